import {
  decodeCursorRequest,
  decodePipelineRequest,
  type EncodedResult,
  encodeCursorEntry,
  encodeStreamResult,
  type HranaBatch,
  type HranaFormat,
  type HranaStreamRequest,
  parseCursorRequest,
  parsePipelineRequest,
} from "@tributary/wire";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { CursorWork, StreamWork } from "../hrana/sql-stream.js";
import { openMergeImages } from "../offline/merge-images.js";
import type { MergeOutcome, MergeWork } from "../offline/merge-work.js";
import type { ServerClock } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import { ResponseBudget } from "../sql/response-budget.js";
import type { SqlConnection } from "../sql/sql-connection.js";
import { CursorRun } from "./cursor-run.js";
import type { HostStreamOptions, StreamState } from "./host-messages.js";
import { HranaStream } from "./hrana-stream.js";
import type { KeptConnections } from "./kept-connections.js";
import { MergeRun } from "./merge-run.js";
import type { RevisionQuestion } from "./revision-question.js";
import { type LiveWork, runLiveBatch } from "./run-live-batch.js";
import { type ProxyWork, runProxyWork } from "./run-proxy-work.js";
import { StatementRunner } from "./statement-runner.js";
import { TimeSlice } from "./time-slice.js";
import type { WritePermit } from "./write-permit.js";

/** What a stream needs of its host. */
export interface HostStreamContext {
  readonly connections: KeptConnections;
  readonly permit: WritePermit;
  readonly question: RevisionQuestion;
  readonly clock: ServerClock;
  /** A write transaction has ended. */
  readonly onCommitted: () => void;
  /** A statement begins, which may take long. */
  readonly onStatement: () => void;
  /** No statement is running. */
  readonly onAlive: () => void;
}

/** One stream where its SQL runs. Calls must come one after the other, but for `close`. */
export class HostStream {
  readonly #options: HostStreamOptions;
  readonly #context: HostStreamContext;
  readonly #connection: SqlConnection;
  readonly #runner: StatementRunner;
  readonly #hrana: HranaStream;
  #cursor: CursorRun | undefined;
  #merge: MergeRun | undefined;
  /** The last entry of a cursor that was taken away. */
  #cursorFailure: Uint8Array | undefined;

  /** Throws `ServerError` "cannot-open". */
  constructor(options: HostStreamOptions, context: HostStreamContext) {
    this.#options = options;
    this.#context = context;
    const { limits } = options;
    const { permit, clock, connections, onCommitted, onStatement, onAlive } = context;
    try {
      this.#connection = connections.take(options);
    } catch (error) {
      throw new ServerError("cannot-open", "cannot open another connection: try again later", error);
    }
    this.#connection.onWritten = onCommitted;
    this.#runner = new StatementRunner({
      connection: this.#connection,
      permit,
      clock,
      onStatement,
      onAlive,
      ...limits,
    });
    this.#hrana = new HranaStream(this.#runner);
  }

  /** Throws as `SqlStream.run` rejects. */
  async run(
    work: StreamWork,
    format: HranaFormat,
  ): Promise<{ results: EncodedResult[]; state: StreamState }> {
    const requests = this.#requestsOf(work);
    const { maxResponseBytes, maxRowBytes } = this.#options.limits;
    const budget = new ResponseBudget(maxResponseBytes, maxRowBytes);
    const slice = this.#slice();
    const results: EncodedResult[] = [];
    try {
      for (const request of requests) {
        const turn = slice.giveWay();
        if (turn !== undefined) await turn;
        const result = await this.#hrana.handle(request, budget, slice);
        results.push(encodeStreamResult(request.type, result, format));
      }
    } finally {
      this.#runner.settle();
    }
    return { results, state: this.#state };
  }

  /** The same for a batch of the live protocol. `isLast`: the stream is at its end then. */
  async runLive(
    work: LiveWork,
    isLast: boolean,
  ): Promise<{ body: Uint8Array<ArrayBuffer>; state: StreamState }> {
    const { maxResponseBytes, maxRowBytes } = this.#options.limits;
    const budget = new ResponseBudget(maxResponseBytes, maxRowBytes);
    try {
      const body = await runLiveBatch(this.#runner, work, this.#options.limits, budget, this.#slice());
      return { body, state: isLast ? { isClosed: true, isAutocommit: true } : this.#state };
    } finally {
      this.#runner.settle();
    }
  }

  /** The same for what an embedded replica delegates. */
  async runProxy(work: ProxyWork): Promise<{ body: Uint8Array; state: StreamState }> {
    const { maxResponseBytes, maxRowBytes } = this.#options.limits;
    const budget = new ResponseBudget(maxResponseBytes, maxRowBytes);
    try {
      const body = await runProxyWork(this.#runner, work, this.#options.limits, budget, this.#slice());
      // A transaction that the client has lost is open to it until it has rolled back.
      return { body, state: { isClosed: false, isAutocommit: this.#runner.isAutocommit } };
    } finally {
      this.#runner.settle();
    }
  }

  /** Merges a branch, outside of whatever transaction the stream is in. Rejects as `MergeFrames` does. */
  async merge(work: MergeWork): Promise<MergeOutcome> {
    const { path, walLimitBytes, limits } = this.#options;
    const { lockTimeoutMs } = limits;
    const openImages = openMergeImages;
    const merge = new MergeRun({ ...this.#context, path, walLimitBytes, lockTimeoutMs, openImages });
    this.#merge = merge;
    try {
      return await merge.run(work);
    } finally {
      this.#merge = undefined;
    }
  }

  /** Throws as `SqlStream.run` rejects. */
  openCursor(work: CursorWork, format: HranaFormat): void {
    this.closeCursor();
    this.#cursorFailure = undefined;
    this.#cursor = new CursorRun({
      runner: this.#runner,
      batch: this.#batchOf(work),
      sqlOf: (source) => this.#hrana.sqlOf(source),
      format,
      maxRowBytes: this.#options.limits.maxRowBytes,
    });
  }

  async fetchCursor(
    maxCount: number,
    maxBytes: number,
  ): Promise<{ entries: Uint8Array[]; done: boolean; state: StreamState }> {
    if (this.#cursor === undefined) {
      const entries = this.#cursorFailure === undefined ? [] : [this.#cursorFailure];
      this.#cursorFailure = undefined;
      return { entries, done: true, state: this.#state };
    }
    try {
      const fetched = await this.#cursor.fetch(maxCount, maxBytes, this.#slice());
      if (fetched.done) this.closeCursor();
      return { ...fetched, state: this.#state };
    } finally {
      this.#runner.settle();
    }
  }

  closeCursor(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
  }

  /** Rolls back for others; the client is told when it goes on. */
  takeTransaction(): void {
    if (this.#cursor !== undefined) {
      // Without it, what is missing would look like the end.
      const error = {
        message: "the transaction was rolled back: others waited",
        code: "TRANSACTION_TIMEOUT",
      };
      this.#cursorFailure = encodeCursorEntry({ type: "error", error }, this.#cursor.format);
    }
    this.closeCursor();
    this.#merge?.abort("the merge was rolled back: others waited", "TRANSACTION_TIMEOUT");
    this.#runner.takeTransaction();
  }

  /** Rolls back and closes, once. `isRunning`: some of its calls have not ended, and must not go on with the connection. */
  close(isRunning: boolean): void {
    this.closeCursor();
    this.#merge?.abort("the stream is closed", "STREAM_CLOSED");
    if (isRunning) this.#connection.close();
    else this.#context.connections.giveBack(this.#options, this.#connection);
    this.#context.permit.release();
  }

  get #state(): StreamState {
    const { isClosed } = this.#hrana;
    return { isClosed, isAutocommit: isClosed || this.#connection.isAutocommit };
  }

  #slice(): TimeSlice {
    return new TimeSlice(() => {
      this.#runner.settle();
      this.#context.onAlive();
    });
  }

  #requestsOf(work: StreamWork): readonly HranaStreamRequest[] {
    if ("requests" in work) return work.requests;
    const { maxStatements } = this.#options.limits;
    const parsed =
      work.bodyFormat === "json"
        ? parsePipelineRequest(decodeText(work.body), { maxStatements })
        : decodePipelineRequest(work.body, { maxStatements });
    checkBaton(parsed.baton, work.baton);
    return parsed.requests;
  }

  #batchOf(work: CursorWork): HranaBatch {
    if ("batch" in work) return work.batch;
    const { maxStatements } = this.#options.limits;
    const parsed =
      work.bodyFormat === "json"
        ? parseCursorRequest(decodeText(work.body), { maxStatements })
        : decodeCursorRequest(work.body, { maxStatements });
    checkBaton(parsed.baton, work.baton);
    return parsed.batch;
  }
}

/** The baton is looked for before the body is parsed, and an escaped or doubled key is not seen there. */
function checkBaton(said: string | null, found: string | null): void {
  if ((said || null) !== (found || null))
    throw new HranaRequestError("the baton is to be written first, and plainly");
}

function decodeText(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new HranaRequestError("the body is not UTF-8");
  }
}
