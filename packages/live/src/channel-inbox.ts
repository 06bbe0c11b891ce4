import type { ChannelEvents } from "@tributary/core";

/** What a message costs beside its bytes: many empty ones fill memory too. */
const MESSAGE_COST_BYTES = 64;
/** Delivered places at the front of the queue are given up when there are this many. */
const MAX_EMPTY_PLACES = 1024;

/** What a message counts for where what waits is bounded, bytes. */
export function weightOf(message: Uint8Array): number {
  return message.length + MESSAGE_COST_BYTES;
}

/** Options of {@link ChannelInbox}. */
export interface ChannelInboxOptions {
  /** Messages come in microtasks of their own, also where none is waiting. Default: at once. */
  readonly isDeferred?: boolean;
  /** Called before a message is delivered: it waits no more. */
  readonly onTaken?: (message: Uint8Array) => void;
}

/**
 * What a channel tells its owner, for whoever writes one: messages before `listen` are kept, nothing comes after the end,
 * the end comes once and last, and never from inside the owner's own call.
 */
export class ChannelInbox {
  readonly #isDeferred: boolean;
  readonly #onTaken: ((message: Uint8Array) => void) | undefined;
  #events: ChannelEvents | undefined;
  #queue: Uint8Array[] = [];
  /** Where the first one waits. */
  #head = 0;
  #waitingBytes = 0;
  #isScheduled = false;
  #drainIsDue = false;
  #endReason: string | undefined;
  #isOver = false;

  constructor(options: ChannelInboxOptions = {}) {
    this.#isDeferred = options.isDeferred ?? false;
    this.#onTaken = options.onTaken;
  }

  /** Whether the end has come; what came before may still be waiting. */
  get isEnded(): boolean {
    return this.#endReason !== undefined;
  }

  get isListening(): boolean {
    return this.#events !== undefined;
  }

  /** What was not delivered yet, with what messages cost beside their bytes. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** `Channel.listen`. */
  listen(events: ChannelEvents): void {
    this.#events = events;
    this.#schedule();
  }

  /** A message has come; the bytes must be the owner's to keep. */
  push(message: Uint8Array): void {
    if (this.isEnded) return;
    const isEmpty = this.#head === this.#queue.length;
    if (this.#events !== undefined && isEmpty && !this.#isDeferred && !this.#isScheduled) {
      this.#onTaken?.(message);
      this.#events.onMessage(message);
      return;
    }
    this.#queue.push(message);
    this.#waitingBytes += weightOf(message);
    this.#schedule();
  }

  /** After `full`: there is room. Told in a microtask. */
  drain(): void {
    if (this.isEnded) return;
    this.#drainIsDue = true;
    this.#schedule();
  }

  /** The other end or the network has closed it: that is told after what came before. */
  end(reason: string): void {
    this.#endReason ??= reason;
    this.#drainIsDue = false;
    this.#schedule();
  }

  /** The owner has closed it: what came before is nobody's any more. */
  close(reason: string): void {
    this.#queue = [];
    this.#head = 0;
    this.#waitingBytes = 0;
    this.end(reason);
  }

  #schedule(): void {
    const isIdle = this.#head === this.#queue.length && !this.#drainIsDue && this.#endReason === undefined;
    if (this.#events === undefined || this.#isScheduled || this.#isOver || isIdle) return;
    this.#isScheduled = true;
    const events = this.#events;
    queueMicrotask(() => this.#step(events));
  }

  /** One thing at a time, and the next one is scheduled before: an owner that throws does not keep the rest from it. */
  #step(events: ChannelEvents): void {
    this.#isScheduled = false;
    if (this.#drainIsDue) {
      this.#drainIsDue = false;
      this.#schedule();
      events.onDrain();
      return;
    }
    const message = this.#shift();
    if (message !== undefined) {
      this.#schedule();
      this.#onTaken?.(message);
      events.onMessage(message);
      return;
    }
    if (this.#endReason === undefined || this.#isOver) return;
    this.#isOver = true;
    events.onClose(this.#endReason);
  }

  #shift(): Uint8Array | undefined {
    const message = this.#queue[this.#head];
    if (message === undefined) return undefined;
    // The place must not keep the bytes.
    this.#queue[this.#head++] = EMPTY;
    this.#waitingBytes -= weightOf(message);
    if (this.#head === this.#queue.length || this.#head > MAX_EMPTY_PLACES) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }
}

const EMPTY = new Uint8Array();
