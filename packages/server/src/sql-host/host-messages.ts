import type { EncodedResult, HranaFormat } from "@tributary/wire";
import type { VerifyDepth } from "../database/database-jobs.js";
import type { CursorWork, StreamWork } from "../hrana/sql-stream.js";
import type { MergeOutcome, MergeWork } from "../offline/merge-work.js";
import type { ServerErrorCode } from "../server-error.js";
import type { LiveWork } from "./run-live-batch.js";
import type { ProxyWork } from "./run-proxy-work.js";

// What the main thread and a `SqlHost`, which runs SQL, tell each other. Plain data: between processes it is copied, and
// each crossing costs about as much as a small statement. So messages that are ready together cross together, in their
// order: a push whose turn it is to write is one crossing there, and one back.

/** Limits that are kept where SQL runs; see `SyncServerOptions`. */
interface HostLimits {
  readonly maxStatements: number;
  readonly maxResponseBytes: number;
  readonly maxRowBytes: number;
  readonly lockTimeoutMs: number;
}

/** A stream to be opened. */
export interface HostStreamOptions {
  readonly path: string;
  /** Opened so that SQLite itself refuses every write. */
  readonly readonly: boolean;
  readonly walLimitBytes: number;
  readonly limits: HostLimits;
}

/** To the host. Messages of one stream are carried out in their order; those with a `task` are answered, once each. */
export type ToHost =
  | { readonly type: "open"; readonly stream: number; readonly options: HostStreamOptions }
  | {
      readonly type: "run";
      readonly task: number;
      readonly stream: number;
      readonly work: StreamWork;
      readonly format: HranaFormat;
    }
  | {
      readonly type: "run-live";
      readonly task: number;
      readonly stream: number;
      readonly work: LiveWork;
      /** The stream is closed when it is done; a task that fails leaves that to `close`. */
      readonly isLast: boolean;
    }
  | {
      readonly type: "run-proxy";
      readonly task: number;
      readonly stream: number;
      readonly work: ProxyWork;
    }
  | {
      readonly type: "open-cursor";
      readonly task: number;
      readonly stream: number;
      readonly work: CursorWork;
      readonly format: HranaFormat;
    }
  | {
      readonly type: "fetch-cursor";
      readonly task: number;
      readonly stream: number;
      readonly maxCount: number;
      readonly maxBytes: number;
    }
  | { readonly type: "close-cursor"; readonly stream: number }
  | { readonly type: "merge"; readonly task: number; readonly stream: number; readonly work: MergeWork }
  /** The answer to `revision-wanted`; undefined: it cannot be told. */
  | { readonly type: "revision"; readonly stream: number; readonly revision: string | undefined }
  /** Rolls the open transaction back, and fails what the client goes on to do in it. */
  | { readonly type: "take-transaction"; readonly stream: number }
  /** Is answered with `closed`. Not to be sent for a stream that a task has left closed. */
  | { readonly type: "close"; readonly stream: number }
  /** Closes the connections to a file that closed streams have left for others. Is answered with `forgotten`. */
  | { readonly type: "forget"; readonly path: string }
  /** The answer to `lock-wanted`; granted also unasked, with a task that is going to write. */
  | { readonly type: "lock-granted" | "lock-refused"; readonly stream: number }
  | { readonly type: "checkpoint"; readonly task: number; readonly path: string }
  | { readonly type: "verify"; readonly task: number; readonly path: string; readonly depth: VerifyDepth };

/** How a stream is left by a task. */
export interface StreamState {
  readonly isClosed: boolean;
  readonly isAutocommit: boolean;
}

/** The answer to a task. */
export type TaskResult =
  | { readonly type: "run"; readonly results: readonly EncodedResult[]; readonly state: StreamState }
  | { readonly type: "run-live"; readonly body: Uint8Array<ArrayBuffer>; readonly state: StreamState }
  | { readonly type: "run-proxy"; readonly body: Uint8Array; readonly state: StreamState }
  | { readonly type: "open-cursor" }
  | {
      readonly type: "fetch-cursor";
      readonly entries: readonly Uint8Array[];
      readonly done: boolean;
      readonly state: StreamState;
    }
  | { readonly type: "merge"; readonly outcome: MergeOutcome }
  | { readonly type: "checkpoint" }
  | { readonly type: "verify"; readonly problems: readonly string[] };

/** An error, as data. */
export type HostFailure =
  | {
      readonly type: "request";
      readonly message: string;
      readonly code: string | undefined;
      readonly status: number;
    }
  | { readonly type: "server"; readonly message: string; readonly code: ServerErrorCode }
  | { readonly type: "internal"; readonly message: string; readonly stack: string | undefined };

/** From the host. */
export type FromHost =
  | { readonly type: "done"; readonly task: number; readonly result: TaskResult }
  | { readonly type: "failed"; readonly task: number; readonly failure: HostFailure }
  /** Between two statements: none has been running since the last message. */
  | { readonly type: "alive" }
  /** A write transaction of the stream has ended. Comes before the answer of its task. */
  | { readonly type: "committed"; readonly stream: number }
  /** A merge has to know the newest revision: it holds the write lock, or has just committed. */
  | { readonly type: "revision-wanted"; readonly stream: number }
  /** The stream, which was to be closed, is. */
  | { readonly type: "closed"; readonly stream: number }
  /** There is no connection to the file but those of streams. */
  | { readonly type: "forgotten"; readonly path: string }
  | { readonly type: "lock-wanted" | "lock-free"; readonly stream: number };
