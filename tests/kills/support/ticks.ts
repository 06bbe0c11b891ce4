import type { SeededRandom } from "@tributary/testkit";

/** Things that happen, counted, so that a kill can be set for the nth of them. */
export class Ticks {
  #count = 0;
  #due: { readonly at: number; readonly strike: () => void } | undefined;

  /** Something has happened. */
  tick(): void {
    this.#count++;
    if (this.#due === undefined || this.#count < this.#due.at) return;
    const { strike } = this.#due;
    this.#due = undefined;
    strike();
  }

  /** Runs `strike` after so many more ticks, a random moment later. Replaces what was set before. */
  strikeAfter(ticks: number, random: SeededRandom, strike: () => void): void {
    const wait = momentOf(random);
    this.#due = { at: this.#count + Math.max(1, ticks), strike: () => wait(strike) };
  }

  /** Strikes now, if it has not yet. */
  strikeNow(): void {
    const due = this.#due;
    this.#due = undefined;
    due?.strike();
  }
}

/** A few turns of the event loop, in which servers and clients of this process go on; or time in which they do not. */
function momentOf(random: SeededRandom): (strike: () => void) => void {
  const turns = random.chance(0.5) ? random.below(6) : 0;
  const spinMs = random.chance(0.7) ? random.next() ** 3 * 6 : 0;
  const after = (left: number, strike: () => void): void => {
    if (left > 0) {
      setImmediate(() => after(left - 1, strike));
      return;
    }
    const end = performance.now() + spinMs;
    while (performance.now() < end);
    strike();
  };
  return (strike) => after(turns, strike);
}
