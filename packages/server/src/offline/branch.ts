import type { DatabaseImage } from "@tributary/core";
import type { Standing } from "./standing.js";

/** Who made a frame: the replica, which pushed it, or the server, which offers what others have changed. */
export type FrameOrigin = "replica" | "server";

/** What the head of a frame says. */
export interface BranchFrame {
  /** One-based. */
  readonly pageNumber: number;
  /** Pages of the database if the frame ends a transaction, else 0. */
  readonly databaseSize: number;
  readonly origin: FrameOrigin;
}

/** Where a generation begins: its frame n is the position `start + n`. */
export interface BranchGeneration {
  readonly generation: number;
  readonly start: number;
}

/**
 * What one offline replica has (or, in strict mode, all of them): the image it began with, and the frames since. Frames are
 * counted from 1 over the life of the branch; these are its positions, and position 0 is the image. Generations are other
 * names for positions, by which replicas know them.
 *
 *     base ──── … ──── confirmed ──── … ──── head ──── … ──── stagedEnd
 *     folded into      the replica has       committed        pushed, of a transaction
 *     the image        them for certain                       without its end
 *
 * All calls but `fold` are synchronous, and they must not overlap: whoever uses a branch does so in its turn. Throws `ServerError`
 * "branch-damaged" where the files are not what they were.
 */
export interface Branch {
  /** What generations of it have in common: `generation >>> 10`. 0: the branch of strict mode. */
  readonly block: number;
  /** The device that it was made for; undefined: strict mode. */
  readonly device: string | undefined;
  readonly directory: string;
  /** When it was made and when it was last used, ms since 1970; the latter to the hour after a restart. */
  readonly createdAt: number;
  readonly usedAt: number;
  /**
   * How often frames of the replica's were forgotten by `rewind`. Positions are used again after that, so how far frames
   * were merged into the database has to be kept apart for each: by a client id of its own.
   */
  readonly era: number;

  /** In order; there is always one, and what lies before its start can no longer be asked for. */
  readonly generations: readonly BranchGeneration[];
  /** Up to here all is in the image, and frames are gone. */
  readonly base: number;
  readonly confirmed: number;
  /** The end of the last transaction. */
  readonly head: number;
  readonly stagedEnd: number;
  /** How its pages and rows at `head` stand to those of the database. */
  readonly standing: Standing;

  /** Frames behind `after` up to `upTo`, as they travel: 4 120 bytes each, without salts and checksums. At most `stagedEnd`. */
  readFrames(after: number, upTo: number): Uint8Array;
  frameAt(position: number): BranchFrame;
  /** The pages as of a position from `base` to `stagedEnd`; its size is that of the last transaction that ended there or before. Valid until the next call that changes the branch. */
  imageAt(position: number): DatabaseImage;
  /** Numbers of the pages that frames behind `after` up to `upTo` hold. */
  pagesBetween(after: number, upTo: number): ReadonlySet<number>;
  /**
   * Whether frames that were pushed go on from the frame before `position`, as far as the running checksums of the replica's
   * own log tell: "broken" where a byte was changed on the way, or frames between them are missing; "unknown" where there is
   * nothing to compare with.
   */
  checkChain(position: number, frames: Uint8Array): "intact" | "broken" | "unknown";

  /**
   * Adds frames behind `stagedEnd`: whole ones, each with a page number. They are lost in a crash. Salts and checksums of the
   * replica's are kept for `checkChain`.
   */
  stage(frames: Uint8Array, origin: FrameOrigin): void;
  /** Forgets staged frames behind a position from `head` on. */
  unstage(position?: number): void;
  /** Makes staged frames durable up to a position, for a merge into the database: a crash behind that merge keeps them. */
  prepare(upTo: number): void;
  /**
   * Moves `head` on to the end of a transaction. Durable if there are frames of the server's; of the replica's, the next opening
   * finds them by how far they were merged, and it does not fail once they were prepared.
   */
  commit(upTo: number, standing: Standing): void;
  /**
   * Moves `head` back to the end of a transaction: forgets those behind it, what is staged, and generations that begin behind
   * it. Durable. Begins an era if frames of the replica's are forgotten.
   */
  rewind(to: number, standing: Standing): void;
  /** Notes what the replica has for certain. */
  confirm(position: number): void;
  setStanding(standing: Standing): void;
  /** Lets a generation begin at `head`, durably; undefined: the block has no number left, so the branch stays as it is. */
  addGeneration(): BranchGeneration | undefined;
  /** Forgets the newest generation again. Durable. The first one stays. */
  dropGeneration(): void;
  /**
   * Moves frames up to a position, that a generation begins at, into the image, and forgets the generations before. Durable; a
   * crash in the middle is harmless. Others have their turn meanwhile; images and frames behind that position may be read
   * then, and `close` may be called, which makes it reject with `ServerError` "closed".
   */
  fold(upTo: number): Promise<void>;
  close(): void;
}
