/** A running timer. */
export interface ServerTimer {
  /** Stops it; does nothing once it has fired. */
  cancel(): void;
}

/** Time, as the server sees it. Tests pass one of their own. */
export interface ServerClock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls `callback` once, after that many milliseconds. Must not keep the process alive. */
  startTimer(milliseconds: number, callback: () => void): ServerTimer;
}

/** Timers of JavaScript that are set for longer fire at once, ms: about 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The clock of the process. Timers for longer than it knows fire when they are as old as they can get. */
export const systemClock: ServerClock = {
  now: () => performance.now(),
  startTimer(milliseconds, callback) {
    const timer = setTimeout(callback, Math.min(milliseconds, LONGEST_TIMER_MS));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
