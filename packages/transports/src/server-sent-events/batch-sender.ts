import type { LiveClock } from "@tributary/live";
import { FIRST_HEADER, SESSION_HEADER } from "./event-stream-format.js";

export interface BatchSenderOptions {
  readonly session: string;
  /** Sends one request. */
  readonly post: (
    headers: Record<string, string>,
    body: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ) => Promise<Response>;
  readonly maxBatchBytes: number;
  readonly highWaterBytes: number;
  /** How long a request may take, ms. */
  readonly timeoutMs: number;
  /** How often a request is sent at most, the first time included. */
  readonly attempts: number;
  readonly clock: LiveClock;
  readonly onDrain: () => void;
  /** Nothing can be sent any more. `isGone`: because the server has ended the channel, and says why elsewhere. */
  readonly onFailure: (reason: string, isGone: boolean) => void;
}

/** Status of an answer: there is no such channel any more. */
const GONE = 410;
const MIN_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;

interface Failure {
  readonly reason: string;
  readonly isGone: boolean;
}

/** Sends frames in order, as many at once as there are, and each until it is known to have come. */
export class BatchSender {
  readonly #options: BatchSenderOptions;
  readonly #controller = new AbortController();
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Number of the first frame of the queue. */
  #first = 1;
  #isFull = false;
  #running: Promise<void> | undefined;
  lastSentAt: number;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
    this.lastSentAt = options.clock.now();
  }

  add(frame: Uint8Array): "sent" | "full" {
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes >= this.#options.highWaterBytes) this.#isFull = true;
    this.flush();
    return this.#isFull ? "full" : "sent";
  }

  /** Sends what there is; without anything, a request that says that somebody is there. Resolves when nothing is left. */
  flush(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Gives up what is on its way. */
  stop(): void {
    this.#controller.abort();
  }

  async #run(): Promise<void> {
    // What is sent in the same turn goes along.
    await Promise.resolve();
    do {
      const count = this.#countOfBatch();
      const batch = Buffer.concat(this.#queue.slice(0, count));
      const failure = await this.#sendUntilTaken(batch);
      if (failure !== undefined) {
        this.#options.onFailure(failure.reason, failure.isGone);
        break;
      }
      this.#queue = this.#queue.slice(count);
      this.#first += count;
      this.#queuedBytes -= batch.length;
      if (this.#isFull && this.#queuedBytes <= this.#options.highWaterBytes / 2) {
        this.#isFull = false;
        this.#options.onDrain();
      }
    } while (this.#queue.length > 0 && !this.#controller.signal.aborted);
    // Not when the promise is settled, which is later: what is added in between would wait for the next one.
    this.#running = undefined;
  }

  #countOfBatch(): number {
    let bytes = 0;
    let count = 0;
    for (const frame of this.#queue) {
      bytes += frame.length;
      if (bytes > this.#options.maxBatchBytes) break;
      count++;
    }
    // A frame that is longer goes alone.
    return Math.max(count, Math.min(this.#queue.length, 1));
  }

  /** Why it failed; `undefined`: it did not. */
  async #sendUntilTaken(batch: Uint8Array<ArrayBuffer>): Promise<Failure | undefined> {
    const { attempts, clock } = this.#options;
    let reason = "closed";
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (attempt > 1) {
        const longest = Math.min(MIN_DELAY_MS * 2 ** (attempt - 2), MAX_DELAY_MS);
        await this.#wait(longest * (0.5 + clock.random() / 2));
      }
      if (this.#controller.signal.aborted) break;
      const status = await this.#send(batch);
      if (typeof status === "number" && status >= 200 && status < 300) return undefined;
      reason = typeof status === "number" ? `the server refuses messages (${status})` : status;
      const mayPass = typeof status === "string" || status === 408 || status === 429 || status >= 500;
      if (!mayPass) return { reason, isGone: status === GONE };
    }
    return { reason, isGone: false };
  }

  /** The status of the answer, or why there is none. */
  async #send(batch: Uint8Array<ArrayBuffer>): Promise<number | string> {
    const { clock, timeoutMs, session, post } = this.#options;
    const controller = new AbortController();
    const onStop = (): void => controller.abort();
    this.#controller.signal.addEventListener("abort", onStop, { once: true });
    const timer = clock.startTimer(timeoutMs, onStop);
    this.lastSentAt = clock.now();
    try {
      const headers = { [SESSION_HEADER]: session, [FIRST_HEADER]: String(this.#first) };
      const response = await post(headers, batch, controller.signal);
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      return `messages could not be sent: ${error instanceof Error ? error.message : String(error)}`;
    } finally {
      timer.cancel();
      this.#controller.signal.removeEventListener("abort", onStop);
    }
  }

  #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#controller;
    return new Promise((resolve) => {
      const timer = this.#options.clock.startTimer(milliseconds, settle);
      function settle(): void {
        timer.cancel();
        signal.removeEventListener("abort", settle);
        resolve();
      }
      signal.addEventListener("abort", settle, { once: true });
    });
  }
}
