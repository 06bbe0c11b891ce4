import { randomBytes } from "node:crypto";
import { FRAME_SIZE } from "@tributary/core";
import { RequestError } from "../http/request-error.js";
import { checkPushedFrames, damaged } from "./check-pushed-frames.js";
import { lastTransactionEnd } from "./frame-bytes.js";
import { mergeStaged } from "./merge-staged.js";
import type { MergeFrames } from "./merge-work.js";
import type { OfflineSession } from "./offline-session.js";
import { syncInPieces } from "./sync-in-pieces.js";

/** Frames that a branch is to get behind a position. */
export interface TakenFrames {
  readonly generation: number;
  readonly after: number;
  readonly frames: Uint8Array;
  readonly merge: MergeFrames;
  /** How long one transaction may be, in frames, bytes. */
  readonly maxTransactionBytes: number;
}

/**
 * Adds frames to a branch, in place of what lies behind `after`, and merges the transactions that end in them. False: nothing
 * was taken, because others have written to the database, in strict mode. Rejects with `RequestError` and `ServerError`;
 * frames that are found to be damaged have changed nothing.
 */
export async function takeFrames(session: OfflineSession, taken: TakenFrames): Promise<boolean> {
  const { branch, isStrict } = session;
  const isUnchecked = check(session, taken);
  if (taken.after < branch.head) rewind(session, taken.after);
  if (!isStrict) while (session.newestGeneration > taken.generation) branch.dropGeneration();
  try {
    return await stage(session, taken, isUnchecked);
  } catch (error) {
    // What stays staged would be taken for acknowledged, when it comes again.
    if (session.doubt === undefined) session.dropTail();
    throw error;
  }
}

async function stage(
  session: OfflineSession,
  { generation, frames, merge }: TakenFrames,
  isUnchecked: boolean,
): Promise<boolean> {
  const { branch, tail } = session;
  const end = lastTransactionEnd(frames);
  const upTo = branch.stagedEnd + end + 1;
  branch.stage(frames, "replica");
  syncInPieces(branch, frames.length / FRAME_SIZE);
  const wasUnchecked = tail?.isUnchecked === true;
  if (end !== -1) {
    const outcome = await mergeStaged(session, upTo, isUnchecked || wasUnchecked, merge);
    if (outcome === "moved") return false;
  }
  session.tail =
    branch.stagedEnd === branch.head
      ? undefined
      : {
          baton: tail?.baton ?? randomBytes(12).toString("base64url"),
          generation,
          isUnchecked: isUnchecked || (end === -1 && wasUnchecked),
          at: session.database.clock.now(),
        };
  return true;
}

/** Whether it could not be shown that the frames follow on those before. Throws `RequestError` 400, 413. */
function check({ branch }: OfflineSession, { after, frames, maxTransactionBytes }: TakenFrames): boolean {
  const start = Math.min(after, branch.head);
  const staged = after - start;
  if (staged * FRAME_SIZE + frames.length > maxTransactionBytes) {
    const limit = `a transaction may have ${maxTransactionBytes} bytes of frames here`;
    throw new RequestError(
      413,
      `${limit}, and the replica pushes one that is longer: the server's limit must be raised`,
    );
  }
  checkPushedFrames(frames, { databaseSize: branch.imageAt(start).size, frames: staged });
  const chain = branch.checkChain(after + 1, frames);
  // What the replica has had is taken back only for what shows that it comes from there.
  const isTakenBack = after < branch.head && branch.standing.offered?.from !== after;
  if (chain === "broken" || (isTakenBack && chain === "unknown"))
    throw damaged("its checksums are not those of a log that goes on from there");
  return chain === "unknown";
}

function rewind(session: OfflineSession, to: number): void {
  const { branch } = session;
  const { offered, compared } = branch.standing;
  session.dropTail();
  if (offered?.from === to) {
    branch.rewind(to, { ...offered.before, offered: undefined });
    return;
  }
  // What the database has of the frames that are taken back differs from now on: in pages that nobody can tell.
  const isStillKnown = compared !== undefined && compared.position <= to;
  branch.rewind(to, {
    equalTo: undefined,
    compared: isStillKnown ? compared : undefined,
    offered: undefined,
  });
}
