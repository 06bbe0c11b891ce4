import { FRAME_SIZE, SyncError } from "@tributary/core";
import type { FrameLog } from "../mirror/frame-log.js";

/**
 * Pages that a database may grow by for each page written: where many are made and freed in one transaction, SQLite writes
 * none of them, but a list of free pages has the numbers of 1 022 at most.
 */
const GROWTH_PER_FRAME = 1_024;

/**
 * Refuses frames that no SQLite has written, before they are stored: a page number that is out of reach would take disk and
 * memory that nobody has. `baseSize`: pages of the database before the log's tail. Throws `SyncError` `malformed-response`.
 */
export function checkFrames(frames: Uint8Array, log: FrameLog, baseSize: number, endpoint: string): void {
  const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength);
  const count = frames.length / FRAME_SIZE;
  const largest = baseSize + GROWTH_PER_FRAME * (log.end.frames - log.committed + count);
  for (let index = 0; index < count; index++) {
    const pageNumber = view.getUint32(index * FRAME_SIZE);
    const databaseSize = view.getUint32(index * FRAME_SIZE + 4);
    if (pageNumber !== 0 && pageNumber <= largest && databaseSize <= largest) continue;
    const frame = log.end.frames + index + 1;
    throw new SyncError(
      "malformed-response",
      `${endpoint} sent a frame ${frame} that no database has: page ${pageNumber} of ${databaseSize}.`,
      { endpoint },
    );
  }
}
