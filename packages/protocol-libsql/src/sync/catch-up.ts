import { FRAME_HEADER_SIZE, FRAME_SIZE } from "@tributary/core";
import { onHost } from "../mirror/host-errors.js";
import type { Mirror } from "../mirror/mirror.js";
import { FRAMES_PER_REQUEST, type LibsqlRemote } from "../remote/libsql-remote.js";
import { checkFrames } from "./check-frames.js";

/**
 * Pulls until the mirror has all that the remote has, through as many generations as there are. What ends within a
 * transaction is not taken: where a generation ends there, the rest comes another time. On failure the mirror is at the last
 * end of a transaction that came. Rejects with `SyncError`.
 */
export async function catchUp(mirror: Mirror, remote: LibsqlRemote, signal: AbortSignal): Promise<void> {
  const { database } = mirror.files;
  try {
    for (;;) {
      const newest = await pullOnce(mirror, remote, signal);
      if (newest === undefined) onHost(database, () => mirror.commit());
      else {
        onHost(database, () => mirror.log.drop());
        if (newest <= mirror.generation) return;
        onHost(database, () => mirror.fold());
      }
    }
  } catch (error) {
    onHost(database, () => mirror.log.drop());
    throw error;
  }
}

/** Adds the frames of one request to the tail. At the end of the generation: names the newest one. */
async function pullOnce(
  { log, generation, sizeNow, files }: Mirror,
  remote: LibsqlRemote,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { end } = log;
  const start = end.frames + 1;
  const answer = await remote.pullFrames(
    { generation, start, end: start + FRAMES_PER_REQUEST },
    {
      restart: () => onHost(files.log, () => log.drop(end)),
      write: (frames) => {
        checkFrames(frames, log, sizeNow, remote.endpoint);
        onHost(files.log, () => log.append(frames));
      },
    },
    signal,
  );
  return answer.type === "end" ? answer.newest : undefined;
}

/**
 * Whether the remote still has the mirror's last frame: one that was restored from a backup, or made anew, may have others in
 * its place, or none, and what it then sends would be laid over pages that it does not belong to. At the beginning of a
 * generation there is no frame to compare, but the remote must have begun it, too.
 */
export async function hasSameFrame(
  { log, generation }: Mirror,
  remote: LibsqlRemote,
  signal: AbortSignal,
): Promise<boolean> {
  const last = log.committed;
  const start = Math.max(last, 1);
  let found: Uint8Array | undefined;
  const answer = await remote.pullFrames(
    { generation, start, end: start + 1 },
    {
      restart: () => {
        found = undefined;
      },
      write: (frames) => {
        found ??= frames.subarray(0, FRAME_SIZE);
      },
    },
    signal,
  );
  if (last === 0) return answer.type === "frames" || answer.newest >= generation;
  return answer.type === "frames" && found !== undefined && isSameFrame(found, log.readFrames(last, 1));
}

/** Whether page number, size and page are the same; salts and checksums are each log's own. */
function isSameFrame(left: Uint8Array, right: Uint8Array): boolean {
  return left.every((byte, at) => (at >= 8 && at < FRAME_HEADER_SIZE) || byte === right[at]);
}
