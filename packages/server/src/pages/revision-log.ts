import { randomBytes } from "node:crypto";
import { sameSalts } from "@tributary/core";
import { type FileStamp, sameStamp } from "../revisions/file-stamp.js";
import { type EarlierEpoch, Lineage } from "../revisions/lineage.js";
import type { SavedRevisions } from "../revisions/revision-file.js";
import type { SavedState, WalPoint } from "../revisions/saved-state.js";
import type { WalTracker } from "../wal/wal-tracker.js";
import { PageIndex } from "./page-index.js";
import { NO_CHECK, type Revision, sameRevision } from "./revision.js";

/** Options of {@link RevisionLog}. */
export interface RevisionLogOptions {
  /** Not scanned yet. */
  readonly wal: WalTracker;
  /** Asks SQLite for the number of pages; used where the WAL does not say. */
  readonly readDatabaseSize: () => number;
  /** Called whenever there is a new revision. */
  readonly announce: () => void;
  /** What an earlier start saved, and what the database file looks like now. */
  readonly saved: SavedRevisions | undefined;
  readonly stamp: FileStamp;
}

/** A place in the WAL where a commit ends. */
interface CommitEnd {
  readonly frame: number;
  readonly check: string;
}

/**
 * Names the committed states of a database and tells which pages changed between two of them. Knows the WAL, not the
 * SQL. A history goes on for as long as that can be told, over restarts of the server too.
 *
 * Invariant: somebody holds a read transaction that was begun before the latest scan and not ended since (see
 * `SnapshotStore`). SQLite then moves no frame past that reader's state into the file, so that no commit can vanish
 * unseen from the WAL, whichever program makes it. The one restart this allows is that of a WAL that was wholly in the
 * file when the reader began, whether this server moved it there or another program did: `SnapshotStore` finds out when
 * it begins a reader, and announces it by `expectRestart`. Any other restart means that the reader's lock was lost or
 * gone round, and begins a new history: every page counts as changed.
 */
export class RevisionLog {
  /** The saved state that its first history went on from; undefined if that one is new. */
  readonly wentOnFrom: SavedState | undefined;
  readonly #wal: WalTracker;
  readonly #readDatabaseSize: () => number;
  readonly #announce: () => void;
  #index: PageIndex;
  #lineage: Lineage;
  /** That of the commits found from now on. */
  #epoch = randomBytes(8).toString("hex");
  #current: Revision;
  #announced: Revision;
  #history = 0;
  #databaseSize: number;
  #databaseSizeKnown = true;
  #restartExpected = false;

  /** Reads the whole WAL. */
  constructor({ wal, readDatabaseSize, announce, saved, stamp }: RevisionLogOptions) {
    this.#announce = announce;
    this.#wal = wal;
    this.#readDatabaseSize = readDatabaseSize;
    this.#databaseSize = readDatabaseSize();
    const ends: number[] = [];
    wal.scan((databaseSize, pageNumbers) => {
      this.#databaseSize = databaseSize;
      ends.push((ends.at(-1) ?? 0) + pageNumbers.length);
    });
    const start = saved === undefined ? undefined : frameOfState(saved.state, stamp, wal, ends);
    if (saved === undefined || start === undefined) {
      this.#index = new PageIndex();
      this.#lineage = new Lineage();
      this.#current = { epoch: this.#epoch, sequence: 1, check: NO_CHECK };
    } else {
      this.#index = saved.index;
      this.#lineage = new Lineage(saved.state.lineage);
      this.#current = this.#goOn(saved.state, start, commitEndsBehind(start, ends, wal));
      this.wentOnFrom = saved.state;
    }
    this.#announced = this.#current;
  }

  /** The newest committed state that has been seen. */
  get current(): Revision {
    return this.#current;
  }

  /** Size of the database at the current revision, pages. */
  get databaseSize(): number {
    return this.#databaseSize;
  }

  /** Changes when a new history begins. */
  get history(): number {
    return this.#history;
  }

  /** What is to be saved of it. */
  get state(): Pick<SavedState, "epoch" | "revision" | "lineage"> {
    return { epoch: this.#epoch, revision: this.#current, lineage: this.#lineage.epochs };
  }

  /** The last change of every page. */
  get index(): Pick<PageIndex, "visitRunsSince"> {
    return this.#index;
  }

  /** Whether `sync` would have anything to do. */
  get isBehind(): boolean {
    return this.#announced !== this.#current || !this.#databaseSizeKnown || this.#wal.hasNews;
  }

  /** Looks for new commits, whoever made them. True if there is a new revision. */
  sync(): boolean {
    let { sequence } = this.#current;
    let found = false;
    const outcome = this.#wal.scan((databaseSize, pageNumbers) => {
      found = true;
      sequence += 1;
      for (const pageNumber of pageNumbers) this.#index.mark(pageNumber, sequence);
      this.#current = { epoch: this.#epoch, sequence, check: NO_CHECK };
      this.#databaseSize = databaseSize;
      this.#databaseSizeKnown = true;
    });
    const expected = outcome === "continued" || (outcome === "restarted" && this.#restartExpected);
    if (!expected) this.#beginHistory();
    // A commit that did not start the WAL over is only in the WAL: from then on it must not start over.
    if (outcome !== "continued" || found) this.#restartExpected = false;
    // A commit in the middle of a scan is not told to anybody, so only the last one needs its check. Not `found`: a
    // call that failed half-way has not come here.
    if (this.#announced !== this.#current && expected)
      this.#current = { ...this.#current, check: this.#wal.check };
    // Asked for again at the next call if SQLite cannot say now.
    if (!this.#databaseSizeKnown) this.#databaseSize = this.#readDatabaseSize();
    this.#databaseSizeKnown = true;
    if (this.#announced === this.#current) return false;
    this.#announced = this.#current;
    this.#announce();
    return true;
  }

  /** To be called when every commit seen is in the database file and the oldest reader began after that. */
  expectRestart(): void {
    this.#restartExpected = true;
  }

  /** Whether it is a state of this history: then `changedSince` can tell. */
  knows(revision: Revision): boolean {
    if (sameRevision(revision, this.#current)) return true;
    if (revision.sequence > this.#current.sequence) return false;
    return revision.epoch === this.#epoch || this.#lineage.has(revision);
  }

  /** Ids of the pages that changed since `revision`, ascending; undefined if that cannot be told: then all did. */
  changedSince(revision: Revision | undefined): Uint32Array | undefined {
    if (revision === undefined || !this.knows(revision)) return undefined;
    return this.#index.changedSince(revision.sequence, this.#databaseSize);
  }

  /** Goes on from a saved state, with the commits behind it; gives the newest revision. */
  #goOn(state: SavedState, start: number, ends: readonly CommitEnd[]): Revision {
    const { epoch, revision } = state;
    const generation = this.#wal.generation;
    let { sequence } = revision;
    let frame = start;
    for (const end of ends) {
      sequence += 1;
      while (frame < end.frame) this.#index.mark(generation?.pageOf(++frame) as number, sequence);
    }
    const last = ends.at(-1);
    // An epoch without a commit has named nothing.
    if (revision.epoch === epoch || last !== undefined) {
      const ended: EarlierEpoch = { epoch, upTo: revision.sequence, found: ends.map(({ check }) => check) };
      this.#lineage.add(ended);
    }
    return last === undefined ? revision : { epoch, sequence, check: last.check };
  }

  #beginHistory(): void {
    this.#epoch = randomBytes(8).toString("hex");
    this.#current = { epoch: this.#epoch, sequence: 1, check: NO_CHECK };
    this.#history += 1;
    this.#lineage = new Lineage();
    this.#index = new PageIndex();
    this.#databaseSizeKnown = (this.#wal.generation?.frames ?? 0) > 0;
  }
}

/** Behind which frame of the WAL the commits begin that are not in a saved state; undefined if that cannot be told. */
function frameOfState(
  { stamp, wal: point, standsAlone }: SavedState,
  stampNow: FileStamp,
  wal: WalTracker,
  ends: readonly number[],
): number | undefined {
  if (!sameStamp(stamp, stampNow)) return undefined;
  const { generation } = wal;
  // The same WAL must still hold it all. Were it cut off, what is left of it would lie over the newer file.
  if (point !== undefined && generation !== undefined && sameSalts(point, generation.header)) {
    return standsThere(point, wal, ends) ? point.frames : undefined;
  }
  // Nothing was moved into the file since, so another WAL has every commit since.
  return standsAlone ? 0 : undefined;
}

function standsThere({ frames, check }: WalPoint, wal: WalTracker, ends: readonly number[]): boolean {
  return frames === 0 || (ends.includes(frames) && wal.checkAt(frames) === check);
}

function commitEndsBehind(start: number, ends: readonly number[], wal: WalTracker): CommitEnd[] {
  return ends
    .filter((frame) => frame > start)
    .map((frame) => ({ frame, check: wal.checkAt(frame) ?? NO_CHECK }));
}
