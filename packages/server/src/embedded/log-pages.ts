import { LOCK_BYTE_PAGE, PAGE_SIZE } from "@tributary/core";
import type { LogFrames } from "@tributary/wire";
import type { ServerDatabase } from "../database/server-database.js";
import type { Snapshot } from "../pages/snapshot.js";
import { frameOf, MAX_BATCH_FRAMES, revisionAt } from "./frame-position.js";

/**
 * What a client lacks, as one transaction: the pages of a snapshot that have changed since the frame that it has last, or all
 * of them. Holds the snapshot until `end`.
 */
export class LogPages {
  readonly #database: ServerDatabase;
  readonly #snapshot: Snapshot;
  /** Undefined: all. */
  readonly #changed: Uint32Array | undefined;
  readonly #lastFrame: bigint;
  #nextPage = 0;
  #sent = 0;
  #isOpen = true;
  readonly count: number;

  /** Of the newest state that the log has seen; `nextOffset` is the frame behind the one that the client has last. */
  constructor(database: ServerDatabase, nextOffset: bigint) {
    this.#database = database;
    // First: it may find another commit.
    this.#snapshot = database.snapshots.acquireCurrent(false);
    const { revision, databaseSize } = this.#snapshot;
    this.#lastFrame = frameOf(revision);
    this.#changed = nextOffset === 0n ? undefined : changedSince(database, nextOffset - 1n, databaseSize);
    this.count = this.#changed?.length ?? countAll(databaseSize);
  }

  /** Whether they are few enough for one answer. */
  get isBatch(): boolean {
    return this.count <= MAX_BATCH_FRAMES;
  }

  /** All of them, in the order of a log: numbers rise to that of the revision. Throws `ServerError`. */
  batch(): LogFrames {
    const first = this.#lastFrame - BigInt(this.count - 1);
    return this.#read(this.count, (index) => first + BigInt(index));
  }

  /** The next of them, in the order of a snapshot: numbers fall from that of the revision. Throws `ServerError`. */
  next(limit: number): LogFrames | undefined {
    if (this.#sent === this.count) return undefined;
    const first = this.#lastFrame - BigInt(this.#sent);
    return this.#read(limit, (index) => {
      const number = first - BigInt(index);
      // A young database may have more pages than numbers below its own. Clients look at the first one.
      return number < 0n ? 0n : number;
    });
  }

  /** Lets go of the snapshot. Calling it again does nothing. */
  end(): void {
    if (this.#isOpen) this.#database.snapshots.release(this.#snapshot);
    this.#isOpen = false;
  }

  #read(limit: number, frameNumberOf: (index: number) => bigint): LogFrames {
    const pageIds = this.#take(Math.min(limit, this.count - this.#sent));
    const pages = new Uint8Array(pageIds.length * PAGE_SIZE);
    this.#database.readPages(this.#snapshot, pageIds, pages);
    this.#sent += pageIds.length;
    const sizeAfter = this.#sent === this.count ? this.#snapshot.databaseSize : 0;
    return { pageIds, pages, frameNumberOf, sizeAfter };
  }

  #take(count: number): Uint32Array {
    if (this.#changed !== undefined) return this.#changed.subarray(this.#sent, this.#sent + count);
    return Uint32Array.from({ length: count }, () => {
      // SQLite never uses that page, nor writes it.
      if (this.#nextPage === LOCK_BYTE_PAGE - 1) this.#nextPage += 1;
      return this.#nextPage++;
    });
  }
}

/** Ids of the pages that changed since that frame, of those that there are now; undefined: all. */
function changedSince({ log }: ServerDatabase, frame: bigint, databaseSize: number): Uint32Array | undefined {
  const known = revisionAt(frame, log);
  if (known === log.current) return new Uint32Array();
  const changed = log.changedSince(known)?.filter((pageId) => pageId < databaseSize);
  // A revision without a page of its own has to be reached all the same: clients ask until they are there.
  return changed?.length === 0 ? Uint32Array.of(0) : changed;
}

function countAll(databaseSize: number): number {
  return databaseSize < LOCK_BYTE_PAGE ? databaseSize : databaseSize - 1;
}
