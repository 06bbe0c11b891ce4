import { type DatabaseJobs, inlineJobs } from "../database/database-jobs.js";
import type { ServerClock } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import { toHostFailure } from "./host-failure.js";
import type { FromHost, HostStreamOptions, TaskResult, ToHost } from "./host-messages.js";
import { HostStream } from "./host-stream.js";
import { RevisionQuestion } from "./revision-question.js";
import { WritePermit } from "./write-permit.js";

interface Entry {
  readonly permit: WritePermit;
  readonly question: RevisionQuestion;
  /** The error where it could not be opened. */
  readonly stream: HostStream | ServerError;
}

type ToHostTask = Extract<ToHost, { readonly task: number }>;

/** What runs SQL: the streams of one process, behind messages. The same in a process of its own and in this one. */
export class SqlHost {
  readonly #send: (message: FromHost) => void;
  readonly #clock: ServerClock;
  readonly #jobs: DatabaseJobs;
  readonly #entries = new Map<number, Entry>();

  constructor(send: (message: FromHost) => void, clock: ServerClock, jobs: DatabaseJobs = inlineJobs) {
    this.#send = send;
    this.#clock = clock;
    this.#jobs = jobs;
  }

  /** Carries a message out. Never throws. */
  receive(message: ToHost): void {
    switch (message.type) {
      case "open":
        this.#open(message.stream, message.options);
        break;
      case "close": {
        const entry = this.#entries.get(message.stream);
        this.#entries.delete(message.stream);
        // Whatever is under way on it ends: it may wait for the permit.
        entry?.permit.refuse();
        entry?.question.end();
        if (entry?.stream instanceof HostStream) entry.stream.close();
        this.#send({ type: "closed", stream: message.stream });
        break;
      }
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
      giveBack: () => this.#send({ type: "lock-free", stream: id }),
    });
    const question = new RevisionQuestion(() => this.#send({ type: "revision-wanted", stream: id }));
    const context = {
      permit,
      question,
      clock: this.#clock,
      onCommitted: () => this.#send({ type: "committed", stream: id }),
      onAlive: () => this.#send({ type: "alive" }),
    };
    let stream: HostStream | ServerError;
    try {
      stream = new HostStream(options, context);
    } catch (error) {
      stream = error instanceof ServerError ? error : new ServerError("cannot-open", String(error), error);
    }
    this.#entries.set(id, { permit, question, stream });
  }

  async #answer(message: ToHostTask): Promise<void> {
    const { task } = message;
    try {
      this.#send({ type: "done", task, result: await this.#carryOut(message) });
    } catch (error) {
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
        return { type: "run-live", ...(await this.#stream(message.stream).runLive(message.work)) };
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
