import { FRAME_SIZE, LOCK_BYTE_PAGE, PAGE_SIZE } from "@tributary/core";
import type { ServerDatabase } from "../database/server-database.js";
import { formatRevision, parseRevision } from "../pages/revision.js";
import type { Snapshot } from "../pages/snapshot.js";
import type { Branch } from "./branch.js";
import { writeFrame } from "./frame-bytes.js";
import { hasSameRows } from "./has-same-rows.js";
import type { Standing } from "./standing.js";
import { syncInPieces } from "./sync-in-pieces.js";

/** Pages compared in one piece: 256 KiB, about a millisecond; others have their turn in between. */
const PIECE_PAGES = 64;

/**
 * Makes a branch what the database is: the pages that differ, as one transaction of the server's behind `head`. True if there
 * are any; they are durable then. Nothing may be staged. The cost is that of what may differ, which `standing` tells, and not
 * of the database's size.
 *
 * `isForGood`: nobody can have written in their place. Otherwise they are offered, and may be taken back. Throws `ServerError`;
 * then frames may be left that are staged.
 */
export async function appendDifferences(
  database: ServerDatabase,
  branch: Branch,
  isForGood: boolean,
): Promise<boolean> {
  await database.readAhead();
  database.sync();
  const snapshot = database.snapshots.acquireCurrent(false);
  try {
    const revision = formatRevision(snapshot.revision);
    if (branch.standing.equalTo === revision) return false;
    return await append(database, branch, snapshot, isForGood);
  } finally {
    database.snapshots.release(snapshot);
  }
}

async function append(
  database: ServerDatabase,
  branch: Branch,
  snapshot: Snapshot,
  isForGood: boolean,
): Promise<boolean> {
  const { head, standing } = branch;
  const { databaseSize } = snapshot;
  const revision = formatRevision(snapshot.revision);
  const staging = new Staging(branch, databaseSize);
  const piece = new Uint8Array(PIECE_PAGES * PAGE_SIZE);
  const readPages = (pageIds: Uint32Array): Uint8Array => {
    const pages = piece.subarray(0, pageIds.length * PAGE_SIZE);
    database.readPages(snapshot, pageIds, pages);
    return pages;
  };
  const pageIds = pagesThatMayDiffer(database, branch, databaseSize);
  // A merge that was not noted any more before a crash: what others have not written must not stand in the way of those who
  // go on behind it.
  if (isForGood && standing.equalTo === undefined && hasSameRows(database, snapshot, branch, pageIds)) {
    branch.setStanding({ ...standing, equalTo: revision });
    return false;
  }
  for (let next = 0; next < pageIds.length; next += PIECE_PAGES) {
    if (next > 0) await new Promise(setImmediate);
    const ids = pageIds.subarray(next, next + PIECE_PAGES);
    staging.addDiffering(ids, readPages(ids), head);
  }
  if (staging.isEmpty && branch.imageAt(head).size === databaseSize) {
    const compared = { revision, position: head };
    branch.setStanding({ equalTo: revision, compared, offered: undefined });
    return false;
  }
  // A transaction has at least one frame, to say how long the database is.
  if (staging.isEmpty) staging.add(1, readPages(Uint32Array.of(0)));
  staging.end();
  const before: Omit<Standing, "offered"> = { equalTo: standing.equalTo, compared: standing.compared };
  branch.commit(branch.stagedEnd, {
    equalTo: revision,
    compared: { revision, position: branch.stagedEnd },
    offered: isForGood ? undefined : { from: head, before },
  });
  return true;
}

/** Ids (from 0), ascending. */
function pagesThatMayDiffer(database: ServerDatabase, branch: Branch, databaseSize: number): Uint32Array {
  const { compared } = branch.standing;
  const known = compared === undefined ? undefined : parseRevision(compared.revision);
  const changed = database.log.changedSince(known);
  // SQLite keeps nothing in the page of its lock bytes.
  const isPage = (pageId: number): boolean => pageId < databaseSize && pageId + 1 !== LOCK_BYTE_PAGE;
  if (compared === undefined || changed === undefined)
    return Uint32Array.from({ length: databaseSize }, (_, pageId) => pageId).filter(isPage);
  const ids = new Set(changed);
  for (const pageNumber of branch.pagesBetween(compared.position, branch.head)) ids.add(pageNumber - 1);
  return Uint32Array.from(ids).filter(isPage).sort();
}

/** Frames on their way into the branch. The last one is kept back: it says that it is the last. */
class Staging {
  readonly #branch: Branch;
  readonly #databaseSize: number;
  readonly #frames = new Uint8Array((PIECE_PAGES + 1) * FRAME_SIZE);
  #count = 0;
  isEmpty = true;

  constructor(branch: Branch, databaseSize: number) {
    this.#branch = branch;
    this.#databaseSize = databaseSize;
  }

  /** Adds those of some pages that are other ones at that position of the branch. */
  addDiffering(pageIds: Uint32Array, pages: Uint8Array, position: number): void {
    const image = this.#branch.imageAt(position);
    for (let index = 0; index < pageIds.length; index++) {
      const pageNumber = (pageIds[index] as number) + 1;
      const page = pages.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE);
      if (pageNumber > image.size || Buffer.compare(image.readPage(pageNumber), page) !== 0)
        this.add(pageNumber, page);
    }
    this.#flush();
  }

  add(pageNumber: number, page: Uint8Array): void {
    writeFrame(this.#frames, this.#count, pageNumber, 0, page);
    this.#count += 1;
    this.isEmpty = false;
  }

  end(): void {
    new DataView(this.#frames.buffer).setUint32((this.#count - 1) * FRAME_SIZE + 4, this.#databaseSize);
    this.#branch.stage(this.#frames.subarray(0, this.#count * FRAME_SIZE), "server");
  }

  /** At most one frame is kept from the pieces before: a piece always fits. */
  #flush(): void {
    if (this.#count < 2) return;
    const last = (this.#count - 1) * FRAME_SIZE;
    this.#branch.stage(this.#frames.slice(0, last), "server");
    syncInPieces(this.#branch, this.#count - 1);
    this.#frames.copyWithin(0, last, last + FRAME_SIZE);
    this.#count = 1;
  }
}
