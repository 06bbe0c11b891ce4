import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { ServerClock, ServerTimer } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import { fromHostFailure } from "../sql-host/host-failure.js";
import type { FromHost, HostStreamOptions, TaskResult, ToHost } from "../sql-host/host-messages.js";
import type { StartWorker, WorkerPort } from "./worker-port.js";

/** A message that is answered, before it has its number. */
type TaskMessage<T = Extract<ToHost, { readonly task: number }>> = T extends unknown
  ? Omit<T, "task">
  : never;

/** How long the statement of a stream that was closed may go on, ms: it may be about to commit. */
const ABANDONED_MS = 1_000;

/** What a worker tells of one of its streams. */
export interface StreamEvents {
  /** Takes the write lock if nobody has it, for a task that is going to write. Gives whether it did. */
  tryLock(): boolean;
  onCommitted(): void;
  onLockWanted(): void;
  onLockFree(): void;
  onRevisionWanted(): void;
  /** The worker is gone, and the stream with it. */
  onLost(error: Error): void;
}

/** Options of {@link SqlWorker}. */
export interface SqlWorkerOptions {
  readonly start: StartWorker;
  readonly clock: ServerClock;
  readonly statementTimeoutMs: number;
  /** Whether a statement can be interrupted: then it is given one task at a time, so that it is known whose it is. */
  readonly isInterruptible: boolean;
  /** It could take something on. */
  readonly onIdle: (worker: SqlWorker) => void;
  readonly onEnd: (worker: SqlWorker) => void;
}

/** A stream of this worker. */
interface Attached {
  readonly options: HostStreamOptions;
  readonly database: object;
  readonly events: StreamEvents;
  /** In the host: not yet, with its first task; it is; not any more, after its last one. */
  state: "new" | "open" | "over";
}

interface Task {
  readonly message: TaskMessage;
  readonly isWrite: boolean;
  readonly resolve: (result: TaskResult) => void;
  readonly reject: (error: Error) => void;
  /** It waits for the write lock: others may run. */
  isParked: boolean;
}

/** One host of SQL, seen from the main thread. */
export class SqlWorker {
  readonly #options: SqlWorkerOptions;
  readonly #port: WorkerPort;
  readonly #streams = new Map<number, Attached>();
  readonly #queue: Task[] = [];
  readonly #running = new Map<number, Task>();
  /** The databases of streams that were closed, and may have a connection until that was heard there. */
  readonly #closing = new Map<number, object>();
  /** The databases to which the host may have kept a connection, and their paths. */
  readonly #served = new Map<object, string>();
  /** Those to which it is closing what it has kept, by path. */
  readonly #forgetting = new Map<string, object>();
  #onClosed: (() => void)[] = [];
  #lastTask = 0;
  /** It has been heard of: until then it is not a statement that takes so long. */
  #isUp = false;
  #watchdog: ServerTimer | undefined;
  #ended = false;
  /** Why it was killed. */
  #verdict: string | undefined;
  /** What those are told whose statement was the reason. */
  #interruption: string | undefined;

  constructor(options: SqlWorkerOptions) {
    this.#options = options;
    this.#port = options.start({
      onMessages: (messages) => {
        for (const message of messages) this.#receive(message);
      },
      onEnd: (reason, lastWords) => this.#onEnd(reason, lastWords),
    });
  }

  /** Whether it could begin something at once. */
  get isIdle(): boolean {
    if (!this.#options.isInterruptible) return true;
    return !this.isEnding && this.#queue.length === 0 && !this.#isBusy;
  }

  /** Whether it was killed: it is there until it has been found to be gone. */
  get isEnding(): boolean {
    return this.#verdict !== undefined;
  }

  /** How many tasks wait for it. */
  get waiting(): number {
    return this.#queue.length;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** A stream of a database. It is opened with its first task. */
  addStream(id: number, database: object, options: HostStreamOptions, events: StreamEvents): void {
    this.#streams.set(id, { database, options, events, state: "new" });
  }

  /**
   * Closes a stream, at once: that goes past tasks that wait, and ends those of its own. A statement of it that goes on for
   * long is interrupted, unless other streams would be lost with it.
   */
  closeStream(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    if (stream === undefined || this.#ended) return;
    for (const task of this.#queue.filter(({ message }) => "stream" in message && message.stream === id)) {
      this.#queue.splice(this.#queue.indexOf(task), 1);
      task.reject(new ServerError("closed", "the stream is closed"));
    }
    if (stream.state !== "open") return;
    this.#closing.set(id, stream.database);
    this.#port.send([{ type: "close", stream: id }]);
    if (this.isBusy && this.#options.statementTimeoutMs > 0) this.#considerAbandoned(id);
  }

  #considerAbandoned(stream: number): void {
    for (const [number, { message }] of this.#running) {
      if (!("stream" in message) || message.stream !== stream) continue;
      this.#options.clock.startTimer(ABANDONED_MS, () => {
        if (this.#running.has(number) && this.#streams.size === 0)
          this.kill("nobody waited for its statement");
      });
    }
  }

  /** Resolves when the streams of a database that were closed have left no connection to it. */
  async whenClosed(database: object): Promise<void> {
    const messages = this.#forget(database);
    if (messages.length > 0) this.#port.send(messages);
    while ([...this.#closing.values(), ...this.#forgetting.values()].includes(database)) {
      this.#port.keepAlive(true);
      await new Promise<void>((resolve) => this.#onClosed.push(resolve));
    }
  }

  /** Sends what is not answered, at once: it goes past tasks that wait. */
  send(
    message: Exclude<ToHost, { readonly task: number } | { readonly type: "open" | "close" | "forget" }>,
  ): void {
    this.#port.send([message]);
    if (message.type === "lock-granted" || message.type === "lock-refused") this.#park(message.stream, false);
  }

  /**
   * Has a task carried out. Rejects with what went wrong there, or `HranaRequestError` where the worker was lost. `isWrite`: it
   * is going to want the write lock, and is given it at once where that is free.
   */
  submit(message: TaskMessage, isWrite: boolean = false): Promise<TaskResult> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#lostError("it has ended"));
        return;
      }
      this.#queue.push({ message, isWrite, resolve, reject, isParked: false });
      this.#dispatch();
    });
  }

  /** Ends it at once; what it runs is rolled back. */
  kill(reason: string): void {
    this.#verdict ??= reason;
    this.#port.kill();
  }

  /** Whether it runs something now that could go on for long, and nothing else can be done there. */
  get isBusy(): boolean {
    return this.#options.isInterruptible && this.#isBusy;
  }

  get #isBusy(): boolean {
    for (const { isParked } of this.#running.values()) if (!isParked) return true;
    return false;
  }

  /** Checkpoints and checks of a whole file take as long as they take. */
  get #runsStatements(): boolean {
    for (const { isParked, message } of this.#running.values())
      if (!isParked && "stream" in message) return true;
    return false;
  }

  #dispatch(): void {
    if (!this.isIdle && this.#isBusy) return;
    const task = this.#queue.shift();
    if (task === undefined) return;
    this.#lastTask += 1;
    const number = this.#lastTask;
    this.#running.set(number, task);
    this.#port.keepAlive(true);
    this.#watch();
    this.#port.send([...this.#preparations(task), { ...task.message, task: number }]);
  }

  /** What the host has to be told before it is given a task. */
  #preparations({ message, isWrite }: Task): ToHost[] {
    const id = "stream" in message ? message.stream : undefined;
    const stream = id === undefined ? undefined : this.#streams.get(id);
    // Whoever closes a database is not to wait for another one's statement.
    const messages = this.#forgetOthers(stream?.database);
    if (id === undefined || stream === undefined) return messages;
    const { database, options, events } = stream;
    if (stream.state === "new") {
      stream.state = "open";
      this.#served.set(database, options.path);
      messages.push({ type: "open", stream: id, options });
    }
    if (isWrite && events.tryLock()) messages.push({ type: "lock-granted", stream: id });
    return messages;
  }

  /** What is kept for databases that have no stream here, but for that one. */
  #forgetOthers(wanted: object | undefined): ToHost[] {
    const messages: ToHost[] = [];
    for (const database of this.#served.keys()) {
      if (database === wanted) continue;
      if ([...this.#streams.values()].some((stream) => stream.database === database)) continue;
      messages.push(...this.#forget(database));
    }
    return messages;
  }

  #forget(database: object): ToHost[] {
    const path = this.#served.get(database);
    if (path === undefined || this.#ended) return [];
    this.#served.delete(database);
    this.#forgetting.set(path, database);
    return [{ type: "forget", path }];
  }

  #receive(message: FromHost): void {
    this.#isUp = true;
    this.#watch();
    switch (message.type) {
      case "alive":
        break;
      case "done":
        this.#noteDone(message.task, message.result);
        break;
      case "failed":
        this.#take(message.task)?.reject(fromHostFailure(message.failure));
        break;
      case "closed":
        this.#closing.delete(message.stream);
        this.#noteClosed();
        break;
      case "forgotten":
        this.#forgetting.delete(message.path);
        this.#noteClosed();
        break;
      case "committed":
        this.#streams.get(message.stream)?.events.onCommitted();
        break;
      case "lock-wanted":
        // Before the line is asked: it may answer at once.
        this.#park(message.stream, true);
        this.#streams.get(message.stream)?.events.onLockWanted();
        if (!this.#isBusy) this.#goOn();
        break;
      case "lock-free":
        this.#streams.get(message.stream)?.events.onLockFree();
        break;
      case "revision-wanted":
        this.#streams.get(message.stream)?.events.onRevisionWanted();
        break;
    }
  }

  #noteDone(number: number, result: TaskResult): void {
    const task = this.#take(number);
    if (task === undefined) return;
    const stream = "stream" in task.message ? this.#streams.get(task.message.stream) : undefined;
    if (stream !== undefined && "state" in result && result.state.isClosed) stream.state = "over";
    task.resolve(result);
  }

  #noteClosed(): void {
    if (this.#running.size === 0) this.#port.keepAlive(false);
    for (const resolve of this.#onClosed.splice(0)) resolve();
  }

  #take(number: number): Task | undefined {
    const task = this.#running.get(number);
    this.#running.delete(number);
    if (this.#running.size === 0) this.#port.keepAlive(this.#onClosed.length > 0);
    this.#watch();
    // After whoever waits for this one has had its turn: it may have more for the same stream.
    queueMicrotask(() => this.#goOn());
    return task;
  }

  #goOn(): void {
    this.#dispatch();
    if (this.isIdle && !this.#ended) this.#options.onIdle(this);
  }

  #park(stream: number, isParked: boolean): void {
    for (const task of this.#running.values()) {
      if ("stream" in task.message && task.message.stream === stream) task.isParked = isParked;
    }
    this.#watch();
  }

  /** A statement that runs for too long is one during which nothing is heard. */
  #watch(): void {
    this.#watchdog?.cancel();
    this.#watchdog = undefined;
    const { statementTimeoutMs, clock } = this.#options;
    if (statementTimeoutMs === 0 || !this.#isUp || !this.#runsStatements) return;
    this.#watchdog = clock.startTimer(statementTimeoutMs, () => {
      this.#interruption = `a statement ran for longer than ${statementTimeoutMs} ms and was interrupted`;
      this.kill("another stream's statement had to be interrupted");
    });
  }

  #onEnd(reason: string, lastWords: string | undefined): void {
    this.#ended = true;
    this.#watchdog?.cancel();
    const interrupted = this.#interruption === undefined ? undefined : interruptedError(this.#interruption);
    const lost = this.#lostError(reason, lastWords);
    for (const task of this.#running.values()) task.reject(task.isParked ? lost : (interrupted ?? lost));
    for (const task of this.#queue.splice(0)) task.reject(lost);
    this.#running.clear();
    for (const { events } of [...this.#streams.values()]) events.onLost(lost);
    this.#streams.clear();
    this.#closing.clear();
    this.#forgetting.clear();
    for (const resolve of this.#onClosed.splice(0)) resolve();
    this.#options.onEnd(this);
  }

  #lostError(reason: string, lastWords?: string): Error {
    return new HranaRequestError(
      `the stream was lost with the process that ran it: ${this.#verdict ?? reason}`,
      {
        code: "STREAM_CLOSED",
        status: this.#verdict === undefined ? 500 : 503,
        cause: lastWords || undefined,
      },
    );
  }
}

function interruptedError(message: string): Error {
  return new HranaRequestError(`SQLite error: ${message}`, { code: "SQLITE_INTERRUPT", status: 408 });
}
