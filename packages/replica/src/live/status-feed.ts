import type { ReplicaStatus } from "../replica-status.js";

/** The status as a value that can be watched. A watcher that is slow misses what was in between, never the last. */
export class StatusFeed {
  readonly #read: () => ReplicaStatus;
  readonly #waiting: Set<() => void> = new Set();

  /** `read` gives the status as it is; after a close always the same. */
  constructor(read: () => ReplicaStatus) {
    this.#read = read;
  }

  /** The status may be another: who waits looks, once the code that runs has come to its end. */
  touch(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const look of waiting) look();
  }

  /** The status as it is now, then each time it is another, until the replica is closed or the loop is left. */
  watch(): AsyncIterableIterator<ReplicaStatus, undefined> {
    const own = new Set<() => void>();
    let shown: ReplicaStatus | undefined;
    let isOver = false;
    const touched = (): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          own.delete(look);
          resolve();
        };
        own.add(look);
        this.#waiting.add(look);
      });
    const iterator: AsyncIterableIterator<ReplicaStatus, undefined> = {
      next: async () => {
        while (!isOver) {
          const status = this.#read();
          if (shown === undefined || !isSame(shown, status)) {
            shown = status;
            isOver = status.state === "closed";
            return { done: false, value: status };
          }
          await touched();
        }
        return { done: true, value: undefined };
      },
      return: async () => {
        isOver = true;
        for (const look of own) {
          this.#waiting.delete(look);
          look();
        }
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }
}

function isSame(left: ReplicaStatus, right: ReplicaStatus): boolean {
  const names = Object.keys(left) as (keyof ReplicaStatus)[];
  return names.every((name) => left[name] === right[name]);
}
