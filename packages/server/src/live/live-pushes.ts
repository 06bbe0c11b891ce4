import { LiveRefusal } from "@tributary/live";
import type { ServerClock, ServerTimer } from "../server-clock.js";
import type { PooledStream } from "../workers/pooled-stream.js";

/** Options of {@link LivePushes}. */
export interface LivePushesOptions {
  readonly clock: ServerClock;
  /** A stream that is left idle for longer is rolled back and closed, ms. */
  readonly idleTimeoutMs: number;
  /** Opens a stream; `onClosed` is called when it is closed by whomever. */
  readonly open: (onClosed: () => void) => Promise<PooledStream>;
}

/**
 * The pushes of one subscription, on a stream that is opened for the first of them and kept for those that follow soon. A
 * batch that continues another one needs what that has left open: where the stream has ended meanwhile, it is refused.
 */
export class LivePushes {
  readonly #options: LivePushesOptions;
  #stream: PooledStream | undefined;
  #idleTimer: ServerTimer | undefined;
  /** Whether the next batch continues the last one. */
  #isContinued = false;
  #isClosed = false;

  constructor(options: LivePushesOptions) {
    this.#options = options;
  }

  /** One at a time. Rejects with `LiveRefusal`, or as `PooledStream.runLive` does. */
  async push(body: Uint8Array, isContinued: boolean): Promise<Uint8Array> {
    this.#idleTimer?.cancel();
    const continues = this.#isContinued;
    // Until it is known to have gone well: after a failure the client begins anew.
    this.#isContinued = false;
    if (continues && this.#stream === undefined)
      throw new LiveRefusal(409, "transaction-lost", "the transaction was rolled back: it was idle too long");
    const stream = await this.#open();
    const results = await stream.runLive({ body, isContinued });
    this.#isContinued = isContinued;
    const { clock, idleTimeoutMs } = this.#options;
    if (this.#stream !== undefined) this.#idleTimer = clock.startTimer(idleTimeoutMs, () => this.end());
    return results;
  }

  /** Rolls back what is open and lets go of the stream. Another push opens another one. */
  end(): void {
    this.#idleTimer?.cancel();
    this.#stream?.close();
  }

  /** The same, for good. */
  close(): void {
    this.#isClosed = true;
    this.end();
  }

  async #open(): Promise<PooledStream> {
    if (this.#stream !== undefined) return this.#stream;
    const stream = await this.#options.open(() => {
      this.#stream = undefined;
    });
    if (this.#isClosed) {
      stream.close();
      throw new LiveRefusal(410, "closed", "the subscription is closed");
    }
    this.#stream = stream;
    return stream;
  }
}
