import type { Revision } from "../pages/revision.js";

/** An epoch that ended with a stop of the server, and whose revisions are still understood. */
export interface EarlierEpoch {
  readonly epoch: string;
  /** The last revision of it that was saved: all up to there were what they were told to be. */
  readonly upTo: number;
  /**
   * The checks of the commits that the next start found behind it. The server may have told of commits there that have
   * not survived, and of which others have taken the place: these are the ones that count.
   */
  readonly found: readonly string[];
}

/** More starts than that are not remembered beside the first, nor more commits that a start found, in all. */
const MAX_EPOCHS = 1_000;
const MAX_FOUND = 50_000;

/** The earlier epochs of one history: which revisions, of those that an earlier start told, still name a known state. */
export class Lineage {
  readonly #byEpoch = new Map<string, EarlierEpoch>();

  /** `epochs`: the oldest first. */
  constructor(epochs: readonly EarlierEpoch[] = []) {
    for (const earlier of epochs) this.#byEpoch.set(earlier.epoch, earlier);
  }

  /** The oldest first. */
  get epochs(): readonly EarlierEpoch[] {
    return [...this.#byEpoch.values()];
  }

  has({ epoch, sequence, check }: Revision): boolean {
    const earlier = this.#byEpoch.get(epoch);
    if (earlier === undefined) return false;
    return sequence <= earlier.upTo || earlier.found[sequence - earlier.upTo - 1] === check;
  }

  /**
   * Adds the epoch that ended last. What is forgotten to make room costs its clients a download of everything. The first one
   * is kept for good: it names the history.
   */
  add(ended: EarlierEpoch): void {
    this.#byEpoch.set(ended.epoch, ended);
    let found = 0;
    let count = 0;
    const first = this.epochs[0];
    for (const earlier of [...this.#byEpoch.values()].reverse()) {
      found += earlier.found.length;
      count += 1;
      if (count > MAX_EPOCHS && earlier !== first) this.#byEpoch.delete(earlier.epoch);
      else if (found > MAX_FOUND && earlier !== ended && earlier.found.length > 0)
        this.#byEpoch.set(earlier.epoch, { ...earlier, found: [] });
    }
  }
}
