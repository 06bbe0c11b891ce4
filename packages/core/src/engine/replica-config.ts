import type { Coroutine } from "../coroutine/coroutine.js";
import type { ReplicaPages, SyncedPages } from "../ports/replica-pages.js";
import type { Transform } from "../replay/transform.js";
import type { TakeoverHost } from "../takeover/takeover-host.js";

/** Settings of the engine procedures, complete: defaults belong to the façade. */
export interface ReplicaConfig {
  /** The local database file. Tributary's own files stand beside it, with suffixes. */
  readonly path: string;
  /** Begins the client id, so that a person can tell replicas apart on the server. */
  readonly clientName: string;
  /** Whether opening a replica that has no data yet downloads it; if not, the first pull does. */
  readonly bootstrapIfEmpty: boolean;
  /** How long the remote may hold an answer when it has nothing to send, in milliseconds. */
  readonly longPollTimeoutMs: number;
  /** Bytes of pages asked for in one request of a full download; `undefined`: all in one. */
  readonly pullBytesThreshold: number | undefined;
  /** A push is split, between local transactions, where a batch has reached this many statements. */
  readonly pushOperationsThreshold: number;
  /** Tables whose local changes stay in this replica, as `foldName` writes them. */
  readonly ignoreTables: ReadonlySet<string>;
  readonly transform: Transform | undefined;
  /** How long to wait for an open transaction of the app, in milliseconds. */
  readonly lockTimeoutMs: number;
  /** Attempts of a push whose answer was lost. */
  readonly pushAttempts: number;
  /** Whether opening a damaged replica repairs it, which takes a remote that answers. */
  readonly repair: boolean;
  /** What a libSQL replica at the path is taken over with; `undefined`: such files are refused. */
  readonly takeover: TakeoverHost | undefined;
  /** How pages get in and out of the database. */
  readonly openPages: (path: string, synced: SyncedPages) => Coroutine<ReplicaPages>;
  /** Told how far a download has come. */
  readonly onProgress: ((progress: TransferProgress) => void) | undefined;
}

/** How far a transfer has come. */
export interface TransferProgress {
  readonly phase: "bootstrap" | "pull" | "push" | "salvage";
  /** Pages received, changes sent, or changes read from a damaged replica, so far. */
  readonly done: number;
  /** Of how many: pages of the database for a bootstrap, changes on the tape for a push; `undefined` for the others. */
  readonly total: number | undefined;
}
