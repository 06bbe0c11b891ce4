import type { SqlStatement } from "../values/sql-value.js";
import type { MaybePromise } from "./maybe-promise.js";

declare const pullHandle: unique symbol;

/** A pull in progress of a {@link ProtocolIo}. */
export type PullHandle = number & { readonly [pullHandle]: true };

/** A half-open range of zero-based page ids. */
export interface PageRange {
  readonly from: number;
  readonly to: number;
}

/** Which pages are asked for. */
export interface PullRequest {
  /** Only what changed after this revision; `undefined`: every page. */
  readonly clientRevision?: string;
  /** The pages as of this revision, told earlier by a {@link PullHeader}; `undefined`: the latest. */
  readonly serverRevision?: string;
  /** Only these pages; `undefined`: all. */
  readonly pages?: PageRange;
  /** With nothing to send, the remote may hold its answer this long for a change, in milliseconds. 0: answer at once. */
  readonly longPollTimeoutMs: number;
}

/** What a pull will bring. */
export interface PullHeader {
  /** The revision that the pages belong to. Opaque. */
  readonly revision: string;
  /** Size of the database at that revision, in pages. */
  readonly databaseSize: number;
  /** Where the pages come from, for error messages: no query, no credentials. */
  readonly endpoint: string;
}

/** Some pages of a pull, back to back in one buffer. */
export interface PageBatch {
  /** Zero-based page ids. */
  readonly pageIds: Uint32Array;
  /** `pageIds.length` × 4096 bytes. */
  readonly bytes: Uint8Array;
}

/**
 * When a step of a {@link RemoteBatch} runs. `previous-ok`: the step before it ran without error, so that the first
 * failure keeps everything after it, the COMMIT included, from running. `in-transaction`: a transaction is open,
 * whatever the step before did.
 */
export type StepCondition = "always" | "previous-ok" | "in-transaction";

/** One statement of a {@link RemoteBatch}. */
export interface RemoteStep extends SqlStatement {
  readonly condition: StepCondition;
  readonly wantRows: boolean;
}

/** What one step did; `skipped` when its condition did not hold. */
export type RemoteStepResult =
  | { readonly type: "ok"; readonly rows: readonly (readonly unknown[])[] }
  | { readonly type: "error"; readonly message: string; readonly sqlCode: string | undefined }
  | { readonly type: "skipped" };

/** Statements that the remote runs in order on one connection of its own, and then rolls back what is still open. */
export interface RemoteBatch {
  readonly steps: readonly RemoteStep[];
  /**
   * Whether running the batch twice is harmless. If not, the transport must not send it again unless it knows that
   * the remote did not run it: the engine finds out what happened and goes on from there.
   */
  readonly repeatable: boolean;
}

/**
 * The remote database, over whatever transport. Every failure is a `SyncError` whose code tells the engine whether
 * trying again can help: `unreachable` and `timeout` can, the others cannot.
 */
export interface ProtocolIo {
  /** Asks for pages and resolves with the header. Only one pull is open at a time. */
  startPull(request: PullRequest): MaybePromise<{ readonly pull: PullHandle; readonly header: PullHeader }>;
  /** The next pages, at most about 1 MiB of them; `undefined` once the remote has sent all, never on a cut connection. */
  receivePages(pull: PullHandle): MaybePromise<PageBatch | undefined>;
  /** Ends a pull, complete or not. Never fails. */
  endPull(pull: PullHandle): MaybePromise<void>;
  /** One result for each step, in order. */
  runRemoteBatch(batch: RemoteBatch): MaybePromise<readonly RemoteStepResult[]>;
}
