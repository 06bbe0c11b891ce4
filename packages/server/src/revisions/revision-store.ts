import type { RevisionLog } from "../pages/revision-log.js";
import type { WalTracker } from "../wal/wal-tracker.js";
import { readFileStamp, sameStamp, settlesIn } from "./file-stamp.js";
import { PageRunWriter } from "./page-runs.js";
import type { RevisionFile } from "./revision-file.js";
import type { SavedState } from "./saved-state.js";

/** Options of {@link RevisionStore}. */
export interface RevisionStoreOptions {
  readonly file: RevisionFile;
  readonly log: RevisionLog;
  readonly wal: WalTracker;
  /** Of the database file. */
  readonly descriptor: number;
  /** Whether every frame seen is in the database file. */
  readonly isAllMoved: () => boolean;
}

/**
 * Saves where a revision log stands. A commit needs none of it: the WAL has it. What is needed is a record before the WAL
 * loses what it has, by a checkpoint and the commit that then starts it over, and one behind each of them, for the
 * file and the WAL have changed then. Without the last record, the next start finds that it cannot tell and begins a new
 * history: no moment is a bad one to be killed in.
 */
export class RevisionStore {
  readonly #options: RevisionStoreOptions;
  /** What the file says; undefined as long as it does not speak of this history. */
  #saved: SavedState | undefined;
  #savedHistory: number | undefined;

  constructor(options: RevisionStoreOptions) {
    this.#options = options;
    this.#saved = options.log.wentOnFrom;
    this.#savedHistory = this.#saved && options.log.history;
  }

  /** Whether the WAL has started over, or a new history has begun, since the last save: the next one is urgent. */
  get isUrgent(): boolean {
    const { log, wal } = this.#options;
    return this.#savedHistory !== log.history || this.#saved?.wal?.salt2 !== wal.generation?.header.salt2;
  }

  /**
   * Saves what is new, at the cost of what has changed since the last time; nothing if nothing is. Survives the end of
   * the process, and a failure of the machine if `durably`. Call it while a reader keeps frames that were not seen yet
   * out of the file. Throws an error of Node or SQLite.
   */
  save(durably: boolean): void {
    const { file, log } = this.#options;
    const state = this.#state();
    const isSameHistory = this.#savedHistory === log.history;
    if (!isSameHistory || file.isLong) {
      file.rewrite(state, this.#runsSince(0));
    } else if (!sameState(this.#saved, state)) {
      const { lineage, ...head } = state;
      const isSameEpoch = this.#saved?.epoch === state.epoch;
      file.append(isSameEpoch ? head : state, this.#runsSince(this.#saved?.revision.sequence ?? 0));
    }
    this.#saved = state;
    this.#savedHistory = log.history;
    if (durably && !file.isSynced) file.sync();
  }

  close(): void {
    this.#options.file.close();
  }

  #state(): SavedState {
    const { log, wal, descriptor, isAllMoved } = this.#options;
    // First whether the file has everything, then what it looks like: what is written to it in between changes nothing.
    const allMoved = isAllMoved();
    const stamp = readFileStamp(descriptor);
    const { generation } = wal;
    return {
      ...log.state,
      stamp,
      standsAlone: allMoved && settlesIn(stamp) === 0,
      wal: generation && {
        salt1: generation.header.salt1,
        salt2: generation.header.salt2,
        frames: generation.frames,
        check: wal.check,
      },
    };
  }

  #runsSince(sequence: number): Uint8Array {
    const { log } = this.#options;
    const writer = new PageRunWriter(log.current.sequence);
    log.index.visitRunsSince(sequence, (run) => writer.add(run));
    return writer.bytes;
  }
}

function sameState(left: SavedState | undefined, right: SavedState): boolean {
  return (
    left !== undefined &&
    left.epoch === right.epoch &&
    left.revision.sequence === right.revision.sequence &&
    left.standsAlone === right.standsAlone &&
    sameStamp(left.stamp, right.stamp) &&
    left.wal?.salt1 === right.wal?.salt1 &&
    left.wal?.salt2 === right.wal?.salt2 &&
    left.wal?.frames === right.wal?.frames
  );
}
