import { encodeCursorEntry, type HranaFormat } from "@tributary/wire";
import type { TransactionHolder } from "../database/open-transactions.js";
import type { ServerDatabase } from "../database/server-database.js";
import type {
  CursorWork,
  SqlCursor,
  SqlStream,
  StreamAnswer,
  StreamEnd,
  StreamWork,
} from "../hrana/sql-stream.js";
import type { MergeOutcome, MergeWork } from "../offline/merge-work.js";
import { formatRevision } from "../pages/revision.js";
import { ServerError } from "../server-error.js";
import type { StreamState, TaskResult, ToHost } from "../sql-host/host-messages.js";
import type { LiveWork } from "../sql-host/run-live-batch.js";
import type { ProxyWork } from "../sql-host/run-proxy-work.js";
import { expectsToWrite } from "./expects-to-write.js";
import type { SqlWorker } from "./sql-worker.js";
import type { Writer } from "./write-lock.js";

/** Options of {@link PooledStream}. */
export interface PooledStreamOptions {
  readonly id: number;
  readonly worker: SqlWorker;
  readonly database: ServerDatabase;
  readonly readonly: boolean;
  /** Called once, when it is closed by whomever. */
  readonly onClosed: () => void;
}

/** What is read of a cursor at once where somebody else wants the stream, bytes. */
const DRAIN_BYTES = 1024 * 1024;

/** A cursor, as its stream sees it. */
interface OpenCursor {
  readonly format: HranaFormat;
  /** What was read ahead, because the stream was needed. */
  ahead: Uint8Array[];
  isAtEnd: boolean;
}

/** A stream whose connection lives in a worker. */
export class PooledStream implements SqlStream, Writer, TransactionHolder {
  readonly #options: PooledStreamOptions;
  #tail: Promise<unknown> = Promise.resolve();
  #inFlight = 0;
  #cursor: OpenCursor | undefined;
  #isAutocommit = true;
  #isClosed = false;
  #failure: Error | undefined;
  onEnd: ((reason: StreamEnd) => void) | undefined;

  /** Throws `ServerError` where the database is no longer what it was. */
  constructor(options: PooledStreamOptions) {
    this.#options = options;
    const { id, worker, database, readonly } = options;
    database.assertInPlace();
    const { path, walLimitBytes, maxStatements, maxResponseBytes, maxRowBytes, lockTimeoutMs } =
      database.options;
    const limits = { maxStatements, maxResponseBytes, maxRowBytes, lockTimeoutMs };
    worker.addStream(
      id,
      database,
      { path, readonly, walLimitBytes, limits },
      {
        tryLock: () => database.writeLock.tryAcquire(this),
        onCommitted: () => database.trySync(),
        onLockWanted: () => database.writeLock.acquire(this),
        onLockFree: () => database.writeLock.release(this),
        onRevisionWanted: () => void this.#tellRevision(),
        onLost: (error) => this.#onLost(error),
      },
    );
  }

  get isAutocommit(): boolean {
    return this.#isAutocommit;
  }

  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  get canLoseTransaction(): boolean {
    const { worker, database } = this.#options;
    // While it may write, nobody else commits, and the line of writers sees to it.
    return this.isIdle && !worker.isBusy && !database.writeLock.isHeldBy(this);
  }

  run(work: StreamWork, format: HranaFormat): Promise<StreamAnswer> {
    return this.#inTurn(async () => {
      await this.#readAhead();
      const message = { type: "run", stream: this.#options.id, work, format } as const;
      const { results, state } = await this.#submit("run", message, this.#isWrite(work));
      this.#adopt(state);
      return { results, isClosed: state.isClosed };
    });
  }

  /**
   * Runs a batch of the live protocol, and gives its results as they travel. Rejects as `run` does. `isLast`: the stream is
   * closed then, as `close` does.
   */
  runLive(work: LiveWork, isLast: boolean = false): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn(async () => {
      const message = { type: "run-live", stream: this.#options.id, work, isLast } as const;
      const { body, state } = await this.#submit("run-live", message, this.#isWrite(work));
      this.#adopt(state);
      return body;
    });
  }

  /** Does what an embedded replica delegates, and gives the answer as it travels. Rejects as `run` does. */
  runProxy(work: ProxyWork): Promise<Uint8Array> {
    return this.#inTurn(async () => {
      const stream = this.#options.id;
      const { body, state } = await this.#submit("run-proxy", { type: "run-proxy", stream, work });
      this.#adopt(state);
      return body;
    });
  }

  /** Merges a branch into the database. Rejects as `MergeFrames` does; the stream is closed then. */
  merge(work: MergeWork): Promise<MergeOutcome> {
    return this.#inTurn(async () => {
      const { outcome } = await this.#submit("merge", { type: "merge", stream: this.#options.id, work });
      return outcome;
    });
  }

  openCursor(work: CursorWork, format: HranaFormat): Promise<SqlCursor> {
    return this.#inTurn(async () => {
      await this.#readAhead();
      const stream = this.#options.id;
      await this.#submit("open-cursor", { type: "open-cursor", stream, work, format });
      const cursor: OpenCursor = { format, ahead: [], isAtEnd: false };
      this.#cursor = cursor;
      return {
        fetch: (maxCount, maxBytes) => this.#inTurn(() => this.#fetch(cursor, maxCount, maxBytes)),
        close: () => this.#closeCursor(cursor),
      };
    });
  }

  close(): void {
    this.#end(undefined);
  }

  grant(): void {
    if (this.#isClosed) this.#options.database.writeLock.release(this);
    else this.#options.worker.send({ type: "lock-granted", stream: this.#options.id });
  }

  refuse(): void {
    if (!this.#isClosed) this.#options.worker.send({ type: "lock-refused", stream: this.#options.id });
  }

  takeTransaction(): void {
    const { id, worker, database } = this.#options;
    this.#isAutocommit = true;
    database.transactions.note(this, false);
    // Another stream's statement may run there for as long as it likes, and only then would this be heard. One of its own
    // requests hears it between two statements.
    if (worker.isBusy && this.isIdle) worker.kill("a transaction had to be rolled back");
    else worker.send({ type: "take-transaction", stream: id });
  }

  /** Nobody commits while a merge waits for this, but for other programs when it has committed itself. */
  async #tellRevision(): Promise<void> {
    const { id, worker, database } = this.#options;
    let revision: string | undefined;
    try {
      for (let reading = database.readAhead(); reading !== undefined; reading = database.readAhead())
        await reading;
      database.sync();
      revision = formatRevision(database.log.current);
    } catch {
      // It is no revision that anything equals, then. Whoever looks for commits next tells what is wrong.
    }
    if (!this.#isClosed) worker.send({ type: "revision", stream: id, revision });
  }

  async #fetch(
    cursor: OpenCursor,
    maxCount: number,
    maxBytes: number,
  ): Promise<{ entries: readonly Uint8Array[]; done: boolean }> {
    if (cursor.ahead.length > 0) {
      let bytes = 0;
      let count = 0;
      while (count < maxCount && count < cursor.ahead.length && bytes < maxBytes) {
        bytes += (cursor.ahead[count] as Uint8Array).length;
        count += 1;
      }
      const entries = cursor.ahead.slice(0, count);
      cursor.ahead = cursor.ahead.slice(count);
      return { entries, done: cursor.isAtEnd && cursor.ahead.length === 0 };
    }
    if (cursor.isAtEnd) return { entries: [], done: true };
    return this.#read(cursor, maxCount, maxBytes);
  }

  async #read(
    cursor: OpenCursor,
    maxCount: number,
    maxBytes: number,
  ): Promise<{ entries: readonly Uint8Array[]; done: boolean }> {
    const stream = this.#options.id;
    const message = { type: "fetch-cursor", stream, maxCount, maxBytes } as const;
    const { entries, done, state } = await this.#submit("fetch-cursor", message);
    this.#adopt(state);
    if (done) {
      cursor.isAtEnd = true;
      this.#cursor = undefined;
    }
    return { entries, done };
  }

  /**
   * Runs an open cursor to its end, and keeps what it gives: clients go on with the stream without having read a cursor
   * whose rest does not interest them, and one connection does one thing at a time.
   */
  async #readAhead(): Promise<void> {
    const cursor = this.#cursor;
    let left = this.#options.database.options.maxResponseBytes;
    while (cursor !== undefined && !cursor.isAtEnd) {
      const { entries } = await this.#read(cursor, Number.MAX_SAFE_INTEGER, DRAIN_BYTES);
      for (const entry of entries) left -= entry.length;
      cursor.ahead.push(...entries);
      if (left > 0 || cursor.isAtEnd) continue;
      const message = "the stream was used before its cursor was read, and the rest was too long to keep";
      const error = { message, code: "RESPONSE_TOO_LARGE" };
      cursor.ahead.push(encodeCursorEntry({ type: "error", error }, cursor.format));
      this.#closeCursor(cursor);
    }
  }

  #closeCursor(cursor: OpenCursor): void {
    cursor.isAtEnd = true;
    if (this.#cursor !== cursor) return;
    this.#cursor = undefined;
    if (!this.#isClosed) this.#options.worker.send({ type: "close-cursor", stream: this.#options.id });
  }

  /** One after the other. What fails as a whole ends the stream. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#inFlight += 1;
    const { database } = this.#options;
    const result = this.#tail.then(async () => {
      try {
        if (this.#isClosed) throw this.#closedError();
        // Its connection may belong to a file that is no longer the database.
        database.assertUsable();
        return await work();
      } catch (error) {
        this.#end(error instanceof Error ? error : new Error(String(error)));
        throw error;
      } finally {
        this.#inFlight -= 1;
        // Whatever was committed is told to those who wait for it, before the writer has its answer.
        database.trySync();
        if (this.#inFlight === 0) database.writeLock.noteIdle(this);
      }
    });
    this.#tail = result.catch(() => {});
    return result;
  }

  async #submit<T extends TaskResult["type"]>(
    type: T,
    message: Parameters<SqlWorker["submit"]>[0] & { type: Extract<ToHost, { type: T }>["type"] },
    isWrite = false,
  ): Promise<Extract<TaskResult, { type: T }>> {
    let result: TaskResult;
    try {
      result = await this.#options.worker.submit(message, isWrite);
    } catch (error) {
      // Closed meanwhile: that is why it failed, whatever the worker says.
      if (!this.#isClosed) throw error;
      const closed = this.#closedError();
      throw closed instanceof ServerError ? closed : error;
    }
    if (this.#isClosed) throw this.#closedError();
    if (result.type !== type) throw new Error(`${type} was answered with ${result.type}`);
    return result as Extract<TaskResult, { type: T }>;
  }

  #adopt({ isClosed, isAutocommit }: StreamState): void {
    this.#isAutocommit = isAutocommit;
    this.#options.database.transactions.note(this, !isAutocommit && !isClosed);
    if (isClosed) this.close();
  }

  #onLost(error: Error): void {
    const code = "code" in error && typeof error.code === "string" ? error.code : "STREAM_CLOSED";
    const wasClosed = this.#isClosed;
    this.#end(error);
    if (!wasClosed) this.onEnd?.({ message: error.message, code });
  }

  #isWrite(work: StreamWork | LiveWork): boolean {
    return !this.#options.readonly && expectsToWrite(work);
  }

  #closedError(): Error {
    return this.#failure ?? new ServerError("closed", "the stream is closed");
  }

  /** `failure`: what its user is told; undefined: that it is closed. */
  #end(failure: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#failure = failure;
    const { id, worker, database, onClosed } = this.#options;
    worker.closeStream(id);
    database.transactions.note(this, false);
    // After the worker was told: the next writer finds SQLite's lock free, or waits for it for a moment.
    database.writeLock.release(this);
    onClosed();
  }
}
