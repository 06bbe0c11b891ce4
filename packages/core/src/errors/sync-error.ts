/** Who has to act on an error. */
export type ErrorBlame =
  /** The caller misused the API or its configuration. */
  | "caller"
  /** The remote answered something the protocol does not allow. */
  | "protocol"
  /** The remote understood and said no. */
  | "remote"
  /** The network or the remote could not be reached, or took too long. */
  | "network"
  /** The local file system or SQLite failed. */
  | "host"
  /** Local changes and remote state cannot both hold. */
  | "conflict"
  /** A local file is not what it should be. */
  | "damage"
  /** A bug in Tributary. */
  | "bug";

/** Every code, with who is to blame for it. `docs/ERRORS.md` has a heading per code. */
export const ERROR_BLAME = {
  "invalid-option": "caller",
  "invalid-state": "caller",
  "replica-in-use": "caller",
  "unsupported-sql": "caller",
  aborted: "caller",
  paused: "caller",
  "malformed-response": "protocol",
  "unexpected-response": "protocol",
  "invalid-page-stream": "protocol",
  "pull-generation-ahead": "protocol",
  "remote-went-back": "remote",
  unauthorized: "remote",
  "remote-rejected": "remote",
  "remote-sql-failed": "remote",
  unreachable: "network",
  timeout: "network",
  "io-failed": "host",
  "sql-failed": "host",
  "database-busy": "host",
  "stream-gap": "protocol",
  "stream-restarted": "protocol",
  "stream-behind": "remote",
  "damaged-package": "protocol",
  "schema-mismatch": "conflict",
  "replay-conflict": "conflict",
  "not-a-replica": "damage",
  "damaged-metadata": "damage",
  "damaged-file": "damage",
  "foreign-writer": "damage",
  internal: "bug",
} as const;

/** Stable identifier of what went wrong. */
export type SyncErrorCode = keyof typeof ERROR_BLAME;

/** Facts about a failure that a program may want to read; only those that apply are set. */
export interface SyncErrorDetails {
  /** The remote endpoint that was called, without query and credentials. */
  readonly endpoint?: string;
  /** HTTP status, where the transport has one. */
  readonly status?: number;
  /** The code that the remote's SQL engine or the local SQLite gave. */
  readonly sqlCode?: string;
  /** The table that a change belongs to. */
  readonly table?: string;
  /** The local change id of the change that failed. */
  readonly changeId?: number;
  /** The local file concerned. */
  readonly path?: string;
  /** Where a package of a change stream would have to begin. */
  readonly expectedCursor?: number;
}

/** Options of {@link SyncError}. */
export interface SyncErrorOptions extends SyncErrorDetails {
  readonly cause?: unknown;
}

/**
 * The one error class of Tributary. Local writes are never lost by a failed operation: whatever throws this, the
 * replica is as it was before the call, or finishes the work when it is next opened.
 */
export class SyncError extends Error {
  override readonly name = "SyncError";
  readonly code: SyncErrorCode;
  /** Who has to act. */
  readonly blame: ErrorBlame;
  readonly details: SyncErrorDetails;

  constructor(code: SyncErrorCode, message: string, options: SyncErrorOptions = {}) {
    const { cause, ...details } = options;
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.blame = ERROR_BLAME[code];
    this.details = details;
  }
}
