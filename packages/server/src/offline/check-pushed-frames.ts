import { FRAME_SIZE } from "@tributary/core";
import { RequestError } from "../http/request-error.js";
import { databaseSizeOf, pageNumberOf } from "./frame-bytes.js";

/**
 * Pages that a database may grow by for each page written: where many are made and freed in one transaction, SQLite writes
 * none of them, but a list of free pages has the numbers of 1 022 at most.
 */
const GROWTH_PER_FRAME = 1_024;

/**
 * Refuses frames that no SQLite has written, before anything is done with them: a page number or a size that is out of reach
 * would take memory that nobody has. `reach`: the size of the database before, and how many frames of the same push were
 * taken already. Throws `RequestError` 400.
 */
export function checkPushedFrames(
  frames: Uint8Array,
  reach: { readonly databaseSize: number; readonly frames: number },
): void {
  const count = frames.length / FRAME_SIZE;
  const largest = reach.databaseSize + GROWTH_PER_FRAME * (reach.frames + count);
  for (let index = 0; index < count; index++) {
    const pageNumber = pageNumberOf(frames, index);
    const databaseSize = databaseSizeOf(frames, index);
    if (pageNumber === 0) throw damaged(`frame ${index + 1} of it has no page number`);
    if (pageNumber > largest) throw damaged(`frame ${index + 1} of it is page ${pageNumber}`);
    if (databaseSize > largest) throw damaged(`frame ${index + 1} of it makes ${databaseSize} pages of it`);
  }
}

/** A push that would make a damaged database. */
export function damaged(problem: string, cause?: unknown): RequestError {
  return new RequestError(
    400,
    `what was pushed does not fit the replica that the server knows, and was not taken: ${problem}. If a second attempt ends ` +
      "so too, another program has written to the replica's file or its -wal. Keep a copy of the file, delete it together " +
      "with its -info, -wal and -shm, and open it again",
    { cause },
  );
}
