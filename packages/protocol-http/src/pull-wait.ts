/**
 * The waiting of one long-poll, which somebody else may end before its time. `signal` is for the request: it is aborted
 * by the caller's signal, whenever that is, and by `wake`, as long as nothing has come.
 */
export class PullWait {
  isWoken = false;
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  #isOpen = true;

  /** Not `AbortSignal.any`: on Node 20 what it makes stays with a long-lived signal for as long as that lives. */
  constructor(signal: AbortSignal | undefined) {
    const onAbort = (): void => this.#controller.abort(signal?.reason);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    this.#unlink = () => signal?.removeEventListener("abort", onAbort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the request, unless its answer has begun to come. */
  wake(): void {
    if (!this.#isOpen || this.signal.aborted) return;
    this.isWoken = true;
    this.#controller.abort(new Error("woken"));
  }

  /** Runs the reading of an answer: it is not ended by `wake`, but what follows on its failure is. */
  async answering<T>(read: () => Promise<T>): Promise<T> {
    this.#isOpen = false;
    try {
      return await read();
    } catch (error) {
      this.#isOpen = true;
      throw error;
    }
  }

  /** The pull is over: the caller's signal is let go of. */
  dispose(): void {
    this.#unlink();
  }
}
