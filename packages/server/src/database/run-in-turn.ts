import type { WriteLock, Writer } from "../workers/write-lock.js";

/**
 * Runs something while nobody writes to the database through this server: at once if nobody does, else in its turn. Gives
 * `refused` where its turn does not come in time. Throws, or rejects with, what `run` throws.
 */
export function runInTurn<T>(lock: WriteLock, run: () => T, refused: T): T | Promise<T> {
  let outcome: (() => T) | undefined;
  let wake = (): void => {};
  const settle = (next: () => T): void => {
    outcome = next;
    wake();
  };
  const writer: Writer = {
    // It never waits for anybody while it has the lock, so there is nothing to take away.
    isIdle: false,
    takeTransaction: () => {},
    grant() {
      try {
        const value = run();
        settle(() => value);
      } catch (error) {
        settle(() => {
          throw error;
        });
      }
      lock.release(writer);
    },
    refuse: () => settle(() => refused),
  };
  lock.acquire(writer);
  if (outcome !== undefined) return (outcome as () => T)();
  return new Promise<void>((resolve) => {
    wake = resolve;
  }).then(() => (outcome as () => T)());
}
