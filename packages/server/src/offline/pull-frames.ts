import { RequestError } from "../http/request-error.js";
import { appendDifferences } from "./append-differences.js";
import type { FrameRange, PulledFrames } from "./offline-replicas.js";
import type { OfflineSession } from "./offline-session.js";

/** After how long a transaction that another replica has begun to push, and does not go on with, is in nobody's way, ms. */
export const ABANDONED_PUSH_MS = 5_000;

/**
 * Answers a pull. A body never ends where nothing follows but inside a transaction: `head` is the end of one, and what is
 * behind a position that was served stays there until the replica is known not to have it, so that the rest of a transaction
 * follows when it is asked for. Trap: a generation that ends inside a transaction makes the client abort its process.
 *
 * `rollFrames`: how many frames a generation may have before the next one begins.
 */
export async function pullFrames(
  session: OfflineSession,
  range: FrameRange,
  rollFrames: number,
): Promise<PulledFrames> {
  session.settle();
  const { branch, isStrict } = session;
  const { generation } = range;
  const { after, upTo } = session.positionsOf(range);
  await session.foldUpTo(generation);
  const next = branch.generations.find((entry) => entry.generation === generation + 1);
  // It walks through all of them, one by one.
  if (next !== undefined && after >= next.start) return { type: "end", generation: session.newestGeneration };
  if (after > branch.head) throw aheadOfServer();
  if (after === branch.head) {
    session.confirmHead();
    if (mayAppend(session)) await appendDifferences(session.database, branch, isStrict);
  }
  const last = Math.min(upTo, branch.head, next?.start ?? branch.head);
  if (after < last) return { type: "frames", body: branch.readFrames(after, last) };
  const isLong = branch.head - session.newestStart > rollFrames;
  const begun = isLong ? branch.addGeneration() : undefined;
  return { type: "end", generation: begun?.generation ?? generation };
}

/**
 * What a replica is told that has frames which are not here: the server was restored from a backup. As long as it does not push,
 * it keeps them to itself, and nothing can be added to what it has. Told by a status that the client shows, and does not
 * try again.
 */
function aheadOfServer(): RequestError {
  return new RequestError(
    410,
    "the replica has more than the server, which was restored from a backup: write something into the replica, and it sends " +
      "what the server lacks with the next sync",
  );
}

/** Whether the server's frames can come behind `head` now. */
export function mayAppend(session: OfflineSession): boolean {
  const { tail, isStrict, database } = session;
  if (isStrict && tail !== undefined && database.clock.now() - tail.at < ABANDONED_PUSH_MS) return false;
  session.dropTail();
  return true;
}
