import { SyncError } from "@tributary/core";

/** Runs one work after the other, in the order in which they were asked for. */
export class Lane {
  readonly #running = new Set<AbortController>();
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  /**
   * Gives the work a signal that is aborted with `signal`, or by `close`. Rejects with `aborted` as soon as the signal is
   * aborted before the turn has come, and with `invalid-state` after `close`; then the work never begins.
   */
  run<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const reason = (): SyncError => (this.#isClosed ? closed() : abortedBy(signal));
    return new Promise((resolve, reject) => {
      let hasBegun = false;
      const onAbort = (): void => {
        controller.abort(signal?.reason);
        if (!hasBegun) reject(reason());
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted || this.#isClosed) onAbort();
      this.#running.add(controller);
      this.#last = this.#last.then(async () => {
        hasBegun = true;
        try {
          if (controller.signal.aborted) throw reason();
          resolve(await work(controller.signal));
        } catch (error) {
          // Whatever ended because of it, in whatever way.
          reject(controller.signal.aborted ? reason() : error);
        } finally {
          signal?.removeEventListener("abort", onAbort);
          this.#running.delete(controller);
        }
      });
    });
  }

  /** Ends what is under way or waits, and resolves when nothing is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const controller of this.#running) controller.abort(closed());
    await this.#last;
  }
}

/** The error of an operation whose signal was aborted. */
export function abortedBy(signal: AbortSignal | undefined): SyncError {
  return new SyncError("aborted", "The operation was aborted by its signal.", { cause: signal?.reason });
}

function closed(): SyncError {
  return new SyncError("invalid-state", "The protocol has been closed.");
}
