import type { Revision } from "../pages/revision.js";
import type { FileStamp } from "./file-stamp.js";
import type { EarlierEpoch } from "./lineage.js";

/** Where a WAL stood. */
export interface WalPoint {
  readonly salt1: number;
  readonly salt2: number;
  /** Committed frames. */
  readonly frames: number;
  /** The running checksum behind the last of them. */
  readonly check: string;
}

/**
 * One statement about a database: "the file that looks like `stamp`, with the first frames of `wal` over it, is
 * `revision`". It stays true whatever happens later, so that no save can come too late to be right: at worst it names a
 * state that is no longer there.
 */
export interface SavedState {
  /** Given to the commits that were found from then on. */
  readonly epoch: string;
  /** The newest revision; of an earlier epoch if there was no commit yet in this one. */
  readonly revision: Revision;
  readonly lineage: readonly EarlierEpoch[];
  readonly stamp: FileStamp;
  /** Whether the file is this revision without the WAL as well, and any write to it since shows in the stamp. */
  readonly standsAlone: boolean;
  /** Undefined: the WAL had no header. */
  readonly wal: WalPoint | undefined;
}
