import type { EncodedResult, HranaBatch, HranaFormat, HranaStreamRequest } from "@tributary/wire";

/** The body of a request as it came, to be parsed where its SQL runs. */
interface RequestBody {
  readonly body: Uint8Array;
  readonly bodyFormat: HranaFormat;
  /** What `findBaton` found in it; it is refused if it says otherwise. */
  readonly baton: string | null;
}

/** What a request for a stream says. */
export type StreamWork = { readonly requests: readonly HranaStreamRequest[] } | RequestBody;

/** What a cursor is to run. */
export type CursorWork = { readonly batch: HranaBatch } | RequestBody;

/** What came of it. */
export interface StreamAnswer {
  /** One for each request. */
  readonly results: readonly EncodedResult[];
  /** Whether the stream was closed by the last one. */
  readonly isClosed: boolean;
}

/**
 * One Hrana stream: a connection to a database, and what the client keeps on it, in whatever process that lives. Calls are
 * carried out one after the other, in their order; one that comes while a cursor is open first runs the cursor to its end.
 */
export interface SqlStream {
  /**
   * Runs requests; failures of SQL are results. Rejects with `HranaRequestError` where the request as a whole fails: the
   * stream is closed then, and what it has not committed is rolled back. Rejects with `ServerError` "closed".
   */
  run(work: StreamWork, format: HranaFormat): Promise<StreamAnswer>;
  /** Starts a batch whose entries are fetched piece by piece. Rejects as `run` does. */
  openCursor(work: CursorWork, format: HranaFormat): Promise<SqlCursor>;
  /** Whether no explicit transaction was open after the last call. */
  readonly isAutocommit: boolean;
  /** Rolls back and closes; ends what runs. Calling it again does nothing. */
  close(): void;
  /** Called once, when the server closes the stream by itself, with the reason. */
  onEnd: ((reason: StreamEnd) => void) | undefined;
}

/** Why a stream is no longer there. */
export interface StreamEnd {
  readonly message: string;
  readonly code: string;
}

/** The entries of a batch that was started by `openCursor`. */
export interface SqlCursor {
  /**
   * The next entries, encoded but not framed: no more than `maxCount`, and no more when they are `maxBytes` long. `done`:
   * there are no others. Rejects as `run` does.
   */
  fetch(maxCount: number, maxBytes: number): Promise<{ entries: readonly Uint8Array[]; done: boolean }>;
  /** Stops it; steps that were not begun are not run. */
  close(): void;
}
