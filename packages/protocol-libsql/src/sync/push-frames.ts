import { SyncError } from "@tributary/core";
import type { FrameLog } from "../mirror/frame-log.js";
import { FRAMES_PER_REQUEST, type LibsqlRemote } from "../remote/libsql-remote.js";

/**
 * What became of a push. `taken`: the remote has all of it. `conflict`: it has other frames in their place. `ahead`: it has
 * more than it was sent. `elsewhere`: it is in another generation.
 */
export type PushOutcome = "taken" | "conflict" | "ahead" | "elsewhere";

/**
 * Sends the tail of a log, as one push: in batches, each with the baton that the one before it was answered with. Where the
 * remote answers that it lacks something, it is sent once more from there. Each call may be repeated: a remote that has the
 * same frames says so. Rejects with `SyncError`: then it is not known how much the remote has. `onAcknowledged` is told the
 * last frame of each batch that the remote has.
 */
export async function pushFrames(
  remote: LibsqlRemote,
  log: FrameLog,
  generation: number,
  onAcknowledged: (frame: number) => void,
  signal: AbortSignal,
): Promise<PushOutcome> {
  const last = log.end.frames;
  let baton: string | undefined;
  let wasBehind = false;
  for (let start = log.committed + 1; start <= last; ) {
    const end = Math.min(start + FRAMES_PER_REQUEST, last + 1);
    const body = log.readFrames(start, end - start);
    const answer = await remote.pushFrames({ generation, start, end }, baton, body, signal);
    if (answer.status === "conflict") return "conflict";
    if (answer.generation !== generation) return "elsewhere";
    if (answer.maxFrameNo >= end) return "ahead";
    if (answer.maxFrameNo === end - 1) {
      onAcknowledged(answer.maxFrameNo);
      baton = answer.baton;
      start = end;
      continue;
    }
    if (wasBehind) throw keepsLosing(remote.endpoint, answer.maxFrameNo, end - 1);
    wasBehind = true;
    baton = undefined;
    start = answer.maxFrameNo + 1;
  }
  return "taken";
}

function keepsLosing(endpoint: string, has: number, sent: number): SyncError {
  return new SyncError(
    "unexpected-response",
    `${endpoint} was sent frames up to ${sent} twice, and still says that it has ${has}. What it has of them is found out with the next sync.`,
    { endpoint },
  );
}
