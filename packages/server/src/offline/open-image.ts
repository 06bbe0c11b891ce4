import { PAGE_SIZE } from "@tributary/core";
import type { ServerDatabase } from "../database/server-database.js";
import type { PulledBody } from "../http/pulled-body.js";
import { DatabaseImage } from "../pages/database-image.js";
import { streamBatches } from "../pages/stream-batches.js";
import type { NewBranch } from "./branch-store.js";
import type { OfflineSession } from "./offline-session.js";

/** Pages read at once: 256 KiB. */
const PIECE_PAGES = 64;

/** An image that is sent while the branch goes on. */
interface OpenImage {
  /** Bytes. */
  readonly length: number;
  readonly body: PulledBody;
}

/** What is told of a download when it ends: one of the first two, and then the last, once. */
interface DownloadEnd {
  /** All of it was taken: whoever did so has the file, as far as can be told. */
  readonly onTaken: () => void;
  readonly onBrokenOff: () => void;
  readonly onEnd: () => void;
}

/** The pages of a branch as of a position, as an SQLite file. Reading it fails once they were folded away. */
export function openBranchImage(
  session: OfflineSession,
  position: number,
  { onTaken, onBrokenOff, onEnd }: DownloadEnd,
): OpenImage {
  const { branch, database } = session;
  const { size } = branch.imageAt(position);
  let sent = 0;
  const end = (): void => {
    session.readers -= 1;
    // A client may close the connection as soon as it has the last byte.
    if (sent === size) onTaken();
    else onBrokenOff();
    onEnd();
  };
  const next = (): Uint8Array | undefined => {
    const count = Math.min(PIECE_PAGES, size - sent);
    if (count === 0) return undefined;
    const bytes = new Uint8Array(count * PAGE_SIZE);
    // Each time anew: the branch has changed meanwhile, perhaps.
    const image = branch.imageAt(position);
    for (let index = 0; index < count; index++) {
      sent += 1;
      bytes.set(image.readPage(sent), index * PAGE_SIZE);
    }
    return bytes;
  };
  session.readers += 1;
  return { length: size * PAGE_SIZE, body: streamBatches(database, [], next, end) };
}

/** Makes something of what a branch begins with: the database as it is now. It is read while `make` runs, and not after. */
export async function withFirstImage<T>(
  database: ServerDatabase,
  make: (first: Pick<NewBranch, "image" | "standing">) => Promise<T>,
): Promise<T> {
  await database.readAhead();
  const image = new DatabaseImage(database);
  try {
    const { revision } = image;
    const standing = { equalTo: revision, compared: { revision, position: 0 }, offered: undefined };
    return await make({ image: readPieces(image), standing });
  } finally {
    // Not in the generator: one that was never begun does not end either.
    image.end();
  }
}

async function* readPieces(image: DatabaseImage): AsyncGenerator<Uint8Array> {
  for (let piece = image.next(); piece !== undefined; piece = image.next()) {
    yield piece;
    await new Promise(setImmediate);
  }
}
