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

/** The clock of the process. */
export const systemClock: ServerClock = {
  now: () => performance.now(),
  startTimer(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
