/** A running timer. */
export interface LiveTimer {
  /** Stops it; does nothing once it has fired. */
  cancel(): void;
}

/** Time, as live connections see it. Tests pass one of their own. */
export interface LiveClock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls `callback` once, after that many milliseconds. Must not keep the process alive. */
  startTimer(milliseconds: number, callback: () => void): LiveTimer;
  /** From 0 up to, not including, 1: to spread reconnects. */
  random(): number;
}

/** The clock of the process. */
export const systemClock: LiveClock = {
  now: () => performance.now(),
  startTimer(milliseconds, callback) {
    const timer = setTimeout(callback, Math.min(milliseconds, 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  random: () => Math.random(),
};
