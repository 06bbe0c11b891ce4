import type { DatabaseImage } from "@tributary/core";
import type { Branch } from "./branch.js";
import type { Standing } from "./standing.js";

/** Generations of one branch: `block << 10` to `(block << 10) + 1023`, but for 0, which no generation may be. */
export const GENERATIONS_PER_BLOCK = 1024;

/** A branch to be made. */
export interface NewBranch {
  readonly block: number;
  readonly device: string | undefined;
  /** The database as the branch begins with it. Pieces of whole pages, in order. */
  readonly image: AsyncIterable<Uint8Array>;
  readonly standing: Standing;
}

/** The branches of one database, in a directory beside it. */
export interface BranchStore {
  /** What is known of all of them, without opening any. Of a damaged one: times of 0, and no device. */
  list(): readonly Pick<Branch, "block" | "device" | "createdAt" | "usedAt">[];
  /**
   * One of them, opened if it is not open; counts as a use. `mergedPosition` tells how far its frames of an era (see
   * `Branch.era`) were merged into the database: what was prepared and merged, but not committed when the server ended, is
   * committed now. Undefined: there is none. Throws `ServerError` "branch-damaged".
   */
  open(block: number, mergedPosition: (era: number) => number | undefined): Branch | undefined;
  /** Makes one, durably, and whole or not there at all. Rejects with an error of Node or of the image. */
  create(branch: NewBranch): Promise<Branch>;
  /** Deletes one for good. */
  remove(block: number): Promise<void>;
  /** Closes all of them. */
  close(): void;
}

/** Images of a branch before and after a merge, for the process that merges: opened by directory. */
export interface MergeImages {
  readonly before: DatabaseImage;
  readonly after: DatabaseImage;
  /** Pages (from 1) that frames between the two hold. */
  readonly changedPages: ReadonlySet<number>;
  close(): void;
}
