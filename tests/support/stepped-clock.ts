import type { LiveClock, LiveTimer } from "@tributary/live";
import type { SeededRandom } from "@tributary/testkit";

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to go on. Between two timers it lets promises and their like come to an end. */
export class SteppedClock implements LiveClock {
  readonly #random: SeededRandom;
  #now = 1;
  #timers: Timer[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random.next();
  }

  startTimer(milliseconds: number, callback: () => void): LiveTimer {
    const timer = { dueAt: this.#now + Math.max(0, milliseconds), callback };
    // After those that are due at the same moment.
    const at = this.#timers.findIndex(({ dueAt }) => dueAt > timer.dueAt);
    if (at < 0) this.#timers.push(timer);
    else this.#timers.splice(at, 0, timer);
    return {
      cancel: () => {
        const index = this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
      },
    };
  }

  /** Moves time on, and fires what comes due, in order. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await turn();
    for (let next = this.#timers[0]; next !== undefined && next.dueAt <= end; next = this.#timers[0]) {
      this.#timers.shift();
      this.#now = next.dueAt;
      next.callback();
      await turn();
    }
    this.#now = end;
  }

  /** Moves time on in small steps until the condition holds. Fails when it does not after that long. */
  async until(condition: () => boolean, limitMs = 600_000): Promise<void> {
    const end = this.#now + limitMs;
    await turn();
    while (!condition()) {
      const next = this.#timers[0];
      if (next === undefined || next.dueAt > end) {
        throw new Error(`It did not come to be within ${limitMs} ms.`);
      }
      await this.advance(next.dueAt - this.#now);
    }
  }

  /** Moves time on until a promise is settled, and gives its outcome. */
  async finish<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.until(() => isSettled, limitMs);
    return await promise;
  }
}

/** Microtasks that begin others, as deep as any here goes. */
async function turn(): Promise<void> {
  for (let depth = 0; depth < 8; depth++) await Promise.resolve();
}
