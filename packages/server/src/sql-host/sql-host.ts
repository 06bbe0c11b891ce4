import { type DatabaseJobs, inlineJobs } from "../database/database-jobs.js";
import type { ServerClock } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import { toHostFailure } from "./host-failure.js";
import type { FromHost, HostStreamOptions, TaskResult, ToHost } from "./host-messages.js";
import { HostStream } from "./host-stream.js";
import { KeptConnections } from "./kept-connections.js";
import { RevisionQuestion } from "./revision-question.js";
import { WritePermit } from "./write-permit.js";

interface Entry {
  readonly permit: WritePermit;
  readonly question: RevisionQuestion;
  /** The error where it could not be opened. */
  readonly stream: HostStream | ServerError;
  /** How many of its tasks are under way. */
  running: number;
}

type ToHostTask = Extract<ToHost, { readonly task: number }>;

/** What runs SQL: the streams of one process, behind messages. The same in a process of its own and in this one. */
export class SqlHost {
  readonly #sendAll: (messages: readonly FromHost[]) => void;
  readonly #clock: ServerClock;
  readonly #jobs: DatabaseJobs;
  readonly #connections: KeptConnections;
  readonly #entries = new Map<number, Entry>();
  /** What goes with the next message; `#flush` sends it before anything that may take long. */
  #held: FromHost[] = [];

  constructor(
    sendAll: (messages: readonly FromHost[]) => void,
    clock: ServerClock,
    jobs: DatabaseJobs = inlineJobs,
  ) {
    this.#sendAll = sendAll;
    this.#clock = clock;
    this.#jobs = jobs;
    this.#connections = new KeptConnections(clock);
  }

  /** Carries messages out, one after the other. Never throws. */
  receive(messages: readonly ToHost[]): void {
    for (const message of messages) this.#receive(message);
  }

  /** Closes what is open. Nothing may be received afterwards. */
  close(): void {
    for (const [id, entry] of this.#entries) this.#close(id, entry);
    this.#connections.close();
  }

  #receive(message: ToHost): void {
    switch (message.type) {
      case "open":
        this.#open(message.stream, message.options);
        break;
      case "close": {
        const entry = this.#entries.get(message.stream);
        if (entry !== undefined) this.#close(message.stream, entry);
        this.#send({ type: "closed", stream: message.stream });
        break;
      }
      case "forget":
        this.#connections.forget(message.path);
        this.#send({ type: "forgotten", path: message.path });
        break;
      case "close-cursor":
        this.#withStream(message.stream, (stream) => stream.closeCursor());
        break;
      case "take-transaction":
        this.#withStream(message.stream, (stream) => stream.takeTransaction());
        break;
      case "lock-granted":
        this.#entries.get(message.stream)?.permit.grant();
        break;
      case "lock-refused":
        this.#entries.get(message.stream)?.permit.refuse();
        break;
      case "revision":
        this.#entries.get(message.stream)?.question.answer(message.revision);
        break;
      default:
        void this.#answer(message);
    }
  }

  #open(id: number, options: HostStreamOptions): void {
    const permit = new WritePermit({
      want: () => this.#send({ type: "lock-wanted", stream: id }),
      giveBack: () => this.#hold({ type: "lock-free", stream: id }),
    });
    const question = new RevisionQuestion(() => this.#send({ type: "revision-wanted", stream: id }));
    const context = {
      permit,
      question,
      clock: this.#clock,
      connections: this.#connections,
      onCommitted: () => this.#hold({ type: "committed", stream: id }),
      onStatement: () => this.#flush(),
      onAlive: () => this.#send({ type: "alive" }),
    };
    let stream: HostStream | ServerError;
    try {
      stream = new HostStream(options, context);
    } catch (error) {
      stream = error instanceof ServerError ? error : new ServerError("cannot-open", String(error), error);
    }
    this.#entries.set(id, { permit, question, stream, running: 0 });
  }

  #close(id: number, { permit, question, stream, running }: Entry): void {
    this.#entries.delete(id);
    // Whatever is under way on it ends: it may wait for the permit.
    permit.refuse();
    question.end();
    if (stream instanceof HostStream) stream.close(running > 0);
  }

  #send(message: FromHost): void {
    const messages = [...this.#held, message];
    this.#held = [];
    this.#sendAll(messages);
  }

  #hold(message: FromHost): void {
    this.#held.push(message);
  }

  #flush(): void {
    if (this.#held.length === 0) return;
    const messages = this.#held;
    this.#held = [];
    this.#sendAll(messages);
  }

  async #answer(message: ToHostTask): Promise<void> {
    const { task } = message;
    const entry = "stream" in message ? this.#entries.get(message.stream) : undefined;
    if (entry !== undefined) entry.running += 1;
    try {
      const result = await this.#carryOut(message);
      if (entry !== undefined) entry.running -= 1;
      const isOver = "state" in result && result.state.isClosed;
      // It may have been closed from outside meanwhile.
      if (isOver && "stream" in message && this.#entries.get(message.stream) === entry && entry !== undefined)
        this.#close(message.stream, entry);
      this.#send({ type: "done", task, result });
    } catch (error) {
      if (entry !== undefined) entry.running -= 1;
      this.#send({ type: "failed", task, failure: toHostFailure(error) });
    }
  }

  async #carryOut(message: ToHostTask): Promise<TaskResult> {
    switch (message.type) {
      case "run": {
        const { work, format } = message;
        return { type: "run", ...(await this.#stream(message.stream).run(work, format)) };
      }
      case "run-live":
        return {
          type: "run-live",
          ...(await this.#stream(message.stream).runLive(message.work, message.isLast)),
        };
      case "run-proxy":
        return { type: "run-proxy", ...(await this.#stream(message.stream).runProxy(message.work)) };
      case "open-cursor":
        this.#stream(message.stream).openCursor(message.work, message.format);
        return { type: "open-cursor" };
      case "fetch-cursor": {
        const { maxCount, maxBytes } = message;
        return {
          type: "fetch-cursor",
          ...(await this.#stream(message.stream).fetchCursor(maxCount, maxBytes)),
        };
      }
      case "merge":
        return { type: "merge", outcome: await this.#stream(message.stream).merge(message.work) };
      case "checkpoint":
        await this.#jobs.checkpoint(message.path);
        return { type: "checkpoint" };
      case "verify":
        return { type: "verify", problems: await this.#jobs.verify(message.path, message.depth) };
      default:
        return unknownMessage(message);
    }
  }

  #stream(id: number): HostStream {
    const stream = this.#entries.get(id)?.stream;
    if (stream instanceof HostStream) return stream;
    throw stream ?? new ServerError("closed", "the stream is closed");
  }

  #withStream(id: number, work: (stream: HostStream) => void): void {
    const stream = this.#entries.get(id)?.stream;
    if (stream instanceof HostStream) work(stream);
  }
}

function unknownMessage(message: never): never {
  throw new Error(`unknown message ${JSON.stringify(message)}`);
}
