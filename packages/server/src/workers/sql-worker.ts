import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { ServerClock, ServerTimer } from "../server-clock.js";
import { fromHostFailure } from "../sql-host/host-failure.js";
import type { FromHost, TaskResult, ToHost } from "../sql-host/host-messages.js";
import type { StartWorker, WorkerPort } from "./worker-port.js";

/** A message that is answered, before it has its number. */
type TaskMessage<T = Extract<ToHost, { readonly task: number }>> = T extends unknown
  ? Omit<T, "task">
  : never;

/** How long the statement of a stream that was closed may go on, ms: it may be about to commit. */
const ABANDONED_MS = 1_000;

/** What a worker tells of one of its streams. */
export interface StreamEvents {
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

interface Task {
  readonly message: TaskMessage;
  readonly resolve: (result: TaskResult) => void;
  readonly reject: (error: Error) => void;
  /** It waits for the write lock: others may run. */
  isParked: boolean;
}

/** One host of SQL, seen from the main thread. */
export class SqlWorker {
  readonly #options: SqlWorkerOptions;
  readonly #port: WorkerPort;
  readonly #streams = new Map<number, StreamEvents>();
  readonly #queue: Task[] = [];
  readonly #running = new Map<number, Task>();
  /** The databases of streams that were closed, and may have a connection until that was heard there. */
  readonly #closing = new Map<number, object>();
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
      onMessage: (message) => this.#receive(message),
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

  addStream(id: number, events: StreamEvents): void {
    this.#streams.set(id, events);
  }

  /**
   * Closes a stream, at once: that goes past tasks that wait. A statement of it that goes on for long is interrupted, unless
   * other streams would be lost with it.
   */
  closeStream(id: number, database: object): void {
    this.#streams.delete(id);
    if (this.#ended) return;
    this.#closing.set(id, database);
    this.#port.send({ type: "close", stream: id });
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

  /** Resolves when the streams of a database that were closed have no connection to it any more. */
  async whenClosed(database: object): Promise<void> {
    while ([...this.#closing.values()].includes(database)) {
      this.#port.keepAlive(true);
      await new Promise<void>((resolve) => this.#onClosed.push(resolve));
    }
  }

  /** Sends what is not answered, at once: it goes past tasks that wait. */
  send(message: Exclude<ToHost, { readonly task: number } | { readonly type: "close" }>): void {
    this.#port.send(message);
    if (message.type === "lock-granted" || message.type === "lock-refused") this.#park(message.stream, false);
  }

  /** Has a task carried out. Rejects with what went wrong there, or `HranaRequestError` where the worker was lost. */
  submit(message: TaskMessage): Promise<TaskResult> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#lostError("it has ended"));
        return;
      }
      this.#queue.push({ message, resolve, reject, isParked: false });
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
    this.#port.send({ ...task.message, task: number });
  }

  #receive(message: FromHost): void {
    this.#isUp = true;
    this.#watch();
    switch (message.type) {
      case "alive":
        break;
      case "done":
        this.#take(message.task)?.resolve(message.result);
        break;
      case "failed":
        this.#take(message.task)?.reject(fromHostFailure(message.failure));
        break;
      case "closed":
        this.#noteClosed(message.stream);
        break;
      case "committed":
        this.#streams.get(message.stream)?.onCommitted();
        break;
      case "lock-wanted":
        // Before the line is asked: it may answer at once.
        this.#park(message.stream, true);
        this.#streams.get(message.stream)?.onLockWanted();
        if (!this.#isBusy) this.#goOn();
        break;
      case "lock-free":
        this.#streams.get(message.stream)?.onLockFree();
        break;
      case "revision-wanted":
        this.#streams.get(message.stream)?.onRevisionWanted();
        break;
    }
  }

  #noteClosed(stream: number): void {
    this.#closing.delete(stream);
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
    for (const stream of [...this.#streams.values()]) stream.onLost(lost);
    this.#streams.clear();
    this.#closing.clear();
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
