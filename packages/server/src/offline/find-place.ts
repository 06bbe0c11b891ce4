import { firstDifference } from "./frame-bytes.js";
import type { OfflineSession } from "./offline-session.js";

/** What is to become of frames that were pushed. Positions are those of the branch. */
export type Place =
  /** They are behind `after`; what lies behind it is taken back first if that is before `head`. */
  | { readonly type: "take"; readonly after: number }
  /** Nothing is taken. An end before theirs makes the client send again from there. */
  | { readonly type: "answer"; readonly status: "ok" | "conflict"; readonly position: number };

/**
 * Where frames belong that a replica says to be those behind `after` up to `upTo`.
 *
 * - They are here already: a retry, whose answer was lost.
 * - There are none before them: the frames between were lost with the process, or with a baton.
 * - There are other ones, which the server has offered: the replica had written before it asked for these. It has not got
 *   any of them, since it takes a transaction as a whole.
 * - There are other ones, which the replica has had: it comes from a backup. It goes on from the last transaction that is the
 *   same; what it had pushed since then stays in the database, and comes back to it from there.
 */
export function findPlace(session: OfflineSession, after: number, upTo: number, frames: Uint8Array): Place {
  const { branch, isStrict } = session;
  const { head, stagedEnd } = branch;
  if (after > stagedEnd) return { type: "answer", status: "ok", position: head };
  const known = Math.min(upTo, stagedEnd);
  const index = after === known ? undefined : firstDifference(branch.readFrames(after, known), frames);
  if (index === undefined) {
    if (upTo >= head) session.confirmHead();
    return upTo <= stagedEnd
      ? { type: "answer", status: "ok", position: upTo }
      : { type: "take", after: known };
  }
  const same = after + index;
  if (same >= head) return { type: "answer", status: "ok", position: head };
  if (isStrict) return { type: "answer", status: "conflict", position: head };
  const target = transactionEndBefore(session, same);
  // From the middle of a transaction: it is to begin before it.
  return target < after
    ? { type: "answer", status: "ok", position: target }
    : { type: "take", after: target };
}

function transactionEndBefore({ branch }: OfflineSession, same: number): number {
  const { offered } = branch.standing;
  if (offered !== undefined && same >= offered.from) return offered.from;
  let position = same;
  while (position > branch.base && branch.frameAt(position).databaseSize === 0) position--;
  return position;
}
