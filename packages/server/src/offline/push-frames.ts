import type { PushAnswer } from "@tributary/wire";
import { RequestError } from "../http/request-error.js";
import { appendDifferences } from "./append-differences.js";
import { findPlace } from "./find-place.js";
import { sliceFrames } from "./frame-bytes.js";
import type { FrameRange, Push } from "./offline-replicas.js";
import type { OfflineSession } from "./offline-session.js";
import { mayAppend } from "./pull-frames.js";
import { takeFrames } from "./take-frames.js";

/**
 * Answers a push: as far as a transaction ends in it, it is merged and on the disk; what is behind waits for the batches that
 * follow, which show the baton. Without it, a client has begun anew, and what was waiting is forgotten. Rejects with
 * `RequestError` and `ServerError`.
 */
export async function pushFrames(
  session: OfflineSession,
  range: FrameRange,
  { baton, body, merge }: Push,
  maxTransactionBytes: number,
): Promise<PushAnswer> {
  session.settle();
  const { branch } = session;
  const { generation } = range;
  const { after, upTo } = session.positionsOf(range);
  const start = session.startOf(generation);
  await session.foldUpTo(generation);
  await makeWay(session, generation, baton);
  let answer: Pick<PushAnswer, "status"> & { readonly position: number };
  const place = findPlace(session, after, upTo, body);
  if (place.type === "answer") {
    answer = place;
    // It begins again from there, without its baton.
    if (place.position < upTo) session.dropTail();
  } else {
    const frames = sliceFrames(body, place.after - after);
    const isTaken = await takeFrames(session, {
      generation,
      after: place.after,
      frames,
      merge,
      maxTransactionBytes,
    });
    answer = isTaken
      ? { status: "ok", position: Math.min(upTo, branch.stagedEnd) }
      : { status: "conflict", position: branch.head };
  }
  return {
    status: answer.status,
    generation,
    maxFrameNo: answer.position - start,
    baton: session.tail?.baton,
  };
}

/** Ends what another push has left, and lets the server's frames go first where nobody may write in their place. */
async function makeWay(
  session: OfflineSession,
  generation: number,
  baton: string | undefined,
): Promise<void> {
  const { tail, branch, database, isStrict } = session;
  if (tail !== undefined && tail.baton === baton && tail.generation === generation) return;
  if (!isStrict) return session.dropTail();
  if (!mayAppend(session)) {
    throw new RequestError(503, "another replica is in the middle of a push: try again", {
      headers: { "retry-after": "1" },
    });
  }
  await appendDifferences(database, branch, true);
}
