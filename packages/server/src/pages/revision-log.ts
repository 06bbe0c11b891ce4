import { randomBytes } from "node:crypto";
import type { WalTracker } from "../wal/wal-tracker.js";
import { PageIndex } from "./page-index.js";
import type { Revision } from "./revision.js";

/**
 * Names the committed states of a database and tells which pages changed between two of them. Knows the WAL, not the
 * SQL.
 *
 * Invariant: somebody holds a read transaction that was begun before the latest scan and not ended since (see
 * `SnapshotStore`). SQLite then moves no frame past that reader's state into the file, so that no commit can vanish
 * unseen from the WAL, whichever program makes it. The one restart this allows is that of a WAL that was wholly in the
 * file when the reader began, whether this server moved it there or another program did: `SnapshotStore` finds out when
 * it begins a reader, and announces it by `expectRestart`. Any other restart means that the reader's lock was lost or
 * gone round, and begins a new epoch: every page counts as changed.
 */
export class RevisionLog {
  readonly #wal: WalTracker;
  readonly #index = new PageIndex();
  readonly #readDatabaseSize: () => number;
  readonly #announce: () => void;
  #current: Revision = firstRevision();
  #announced: Revision = this.#current;
  #databaseSize: number;
  #databaseSizeKnown = true;
  #restartExpected = false;

  /**
   * `readDatabaseSize` asks SQLite for the number of pages; it is used where the WAL does not say. `announce` is called
   * whenever there is a new revision.
   */
  constructor(wal: WalTracker, readDatabaseSize: () => number, announce: () => void) {
    this.#announce = announce;
    this.#wal = wal;
    this.#readDatabaseSize = readDatabaseSize;
    this.#databaseSize = readDatabaseSize();
    wal.scan((databaseSize) => {
      this.#databaseSize = databaseSize;
    });
  }

  /** The newest committed state that has been seen. */
  get current(): Revision {
    return this.#current;
  }

  /** Size of the database at the current revision, pages. */
  get databaseSize(): number {
    return this.#databaseSize;
  }

  /** Looks for new commits, whoever made them. True if there is a new revision. */
  sync(): boolean {
    const before = this.#current;
    const outcome = this.#wal.scan((databaseSize, pageNumbers) => {
      const sequence = this.#current.sequence + 1;
      for (const pageNumber of pageNumbers) this.#index.mark(pageNumber, sequence);
      this.#current = { epoch: this.#current.epoch, sequence };
      this.#databaseSize = databaseSize;
      this.#databaseSizeKnown = true;
    });
    const expected = outcome === "continued" || (outcome === "restarted" && this.#restartExpected);
    if (!expected) this.#beginEpoch();
    // A commit that did not start the WAL over is only in the WAL: from then on it must not start over.
    if (outcome !== "continued" || before !== this.#current) this.#restartExpected = false;
    // Asked for again at the next call if SQLite cannot say now.
    if (!this.#databaseSizeKnown) this.#databaseSize = this.#readDatabaseSize();
    this.#databaseSizeKnown = true;
    // Not `before`: a call that failed half-way has told nobody.
    if (this.#announced === this.#current) return false;
    this.#announced = this.#current;
    this.#announce();
    return true;
  }

  /** To be called when every commit seen is in the database file and the oldest reader began after that. */
  expectRestart(): void {
    this.#restartExpected = true;
  }

  /** Ids of the pages that changed since `revision`, ascending; undefined if that cannot be told: then all did. */
  changedSince(revision: Revision | undefined): Uint32Array | undefined {
    if (revision?.epoch !== this.#current.epoch || revision.sequence > this.#current.sequence)
      return undefined;
    return this.#index.changedSince(revision.sequence, this.#databaseSize);
  }

  #beginEpoch(): void {
    this.#current = firstRevision();
    this.#index.clear();
    this.#databaseSizeKnown = (this.#wal.generation?.frames ?? 0) > 0;
  }
}

function firstRevision(): Revision {
  return { epoch: randomBytes(8).toString("hex"), sequence: 1 };
}
