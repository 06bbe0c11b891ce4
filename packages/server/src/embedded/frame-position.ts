import { createHash } from "node:crypto";
import { NO_CHECK, type Revision } from "../pages/revision.js";
import type { RevisionLog } from "../pages/revision-log.js";

/** How many frames one answer has at most; between two revisions there is room for the numbers of so many. */
export const MAX_BATCH_FRAMES = 1024;

/** Bits of a frame number below the sequence of its revision. Sequences below 2^37 make numbers that are exact in JavaScript. */
const TAG_BITS = 16n;
const CHECK_VALUES = 256;
/** So many that a tag stays below 2^16 by what one answer takes. */
const EPOCH_VALUES = (2 ** 16 - MAX_BATCH_FRAMES) / CHECK_VALUES;

/**
 * The number of the last frame of a revision: clients name by it how far they are, and nothing else. It grows from revision
 * to revision. Behind the sequence are some bits of the epoch and of the check: where a commit was lost with the machine
 * and another one took its place, a client that has the lost one is not taken for one that has the other.
 */
export function frameOf({ epoch, sequence, check }: Revision): bigint {
  const tag = epochTag(epoch) * CHECK_VALUES + checkTag(check);
  return (BigInt(sequence) << TAG_BITS) + BigInt(tag);
}

/** The revision whose last frame it is; undefined for one that the log does not know, as `RevisionLog.knows` has it. */
export function revisionAt(frame: bigint, log: Pick<RevisionLog, "current" | "state">): Revision | undefined {
  const { current } = log;
  if (frame === frameOf(current)) return current;
  const sequence = Number(frame >> TAG_BITS);
  if (sequence < 1 || sequence >= current.sequence) return undefined;
  const tag = Number(BigInt.asUintN(Number(TAG_BITS), frame));
  const isOf = (epoch: string): boolean => epochTag(epoch) === Math.floor(tag / CHECK_VALUES);
  const { epoch, lineage } = log.state;
  if (isOf(epoch)) return { epoch, sequence, check: NO_CHECK };
  for (const earlier of [...lineage].reverse()) {
    if (!isOf(earlier.epoch)) continue;
    if (sequence <= earlier.upTo) return { epoch: earlier.epoch, sequence, check: NO_CHECK };
    // Of these the next start has found out what they are: see `EarlierEpoch`.
    const check = earlier.found[sequence - earlier.upTo - 1];
    if (check !== undefined && checkTag(check) === tag % CHECK_VALUES)
      return { epoch: earlier.epoch, sequence, check };
  }
  return undefined;
}

/** A UUID for the history of a log: the same over restarts, and another one when a new history has begun. */
export function logIdOf({ state }: Pick<RevisionLog, "state">): string {
  const first = state.lineage[0]?.epoch ?? state.epoch;
  return toUuid(createHash("sha256").update(`tributary log ${first}`).digest());
}

/** A UUID of version 8, "custom", from the first 16 bytes. */
export function toUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, 16)).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function epochTag(epoch: string): number {
  return Number.parseInt(epoch.slice(0, 8), 16) % EPOCH_VALUES;
}

function checkTag(check: string): number {
  return Number.parseInt(check.slice(-2), 16);
}
