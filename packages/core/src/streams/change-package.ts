import type { TableShape } from "../capture/table-shape.js";
import type { SqlRow } from "../values/sql-value.js";

/** One change as it travels: that of the tape, without its place there. Images are as {@link TableShape} says. */
export type StreamChange =
  | { readonly type: "insert"; readonly shape: TableShape; readonly after: SqlRow }
  | { readonly type: "update"; readonly shape: TableShape; readonly before: SqlRow; readonly after: SqlRow }
  | { readonly type: "delete"; readonly shape: TableShape; readonly before: SqlRow }
  | { readonly type: "schema"; readonly sql: string };

/** Consecutive changes that were made at one site. */
export interface ChangeGroup {
  /** The site where they were made. */
  readonly origin: string;
  /** Position of the last of them on the tape of that site; with it a site recognises how far its own have come. */
  readonly originCursor: number;
  /** They were filtered out: only that they were there is told. `changes` is empty then. */
  readonly isWithheld: boolean;
  readonly changes: readonly StreamChange[];
}

/** What a package of a snapshot is part of: all rows of the sender as of cursor `to`, as inserts. */
export interface SnapshotPart {
  /** Counts from 0. */
  readonly part: number;
  readonly isLast: boolean;
}

/**
 * What one package of a change stream says: all changes of the sender's tape in the half-open window `(from, to]`, but for
 * those that the stream leaves out. Byte by byte in docs/WIRE_FORMAT.md.
 */
export interface ChangePackage {
  /** The site that sends. */
  readonly site: string;
  /** Another one means that the sender's cursors have begun anew. 0 < epoch < 2^53. */
  readonly epoch: number;
  /** Cursors are change ids of the sender's tape, assigned in commit order. A snapshot's `from` is 0. */
  readonly from: number;
  readonly to: number;
  /** Whether a transaction of the sender ends with it. If not, it is to be applied together with those that follow. */
  readonly endsTransaction: boolean;
  /** Of the sender's tables when it was made (see `schemaHashOf`), to notice that the receiver has others. u32. */
  readonly schemaHash: number;
  /** `undefined`: changes, not a snapshot. */
  readonly snapshot: SnapshotPart | undefined;
  readonly groups: readonly ChangeGroup[];
}
