import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox } from "@tributary/live";

/** Options of {@link createMemoryChannels}. */
export interface MemoryChannelOptions {
  /** A sender is told `full` when this many bytes are waiting for the other end. Default 1 MiB. */
  readonly highWaterBytes?: number;
}

/** Two ends of a channel in memory. Messages are copied, and delivered in later microtasks. */
export function createMemoryChannels(options: MemoryChannelOptions = {}): readonly [Channel, Channel] {
  const { highWaterBytes = 1024 * 1024 } = options;
  const left = new MemoryChannel(highWaterBytes);
  const right = new MemoryChannel(highWaterBytes);
  left.pair(right);
  right.pair(left);
  return [left, right];
}

class MemoryChannel implements Channel {
  readonly #highWaterBytes: number;
  readonly #inbox = new ChannelInbox({ isDeferred: true, onTaken: () => this.#afterTaking() });
  #other!: MemoryChannel;
  /** The other end was told so. */
  #isFull = false;

  constructor(highWaterBytes: number) {
    this.#highWaterBytes = highWaterBytes;
  }

  pair(other: MemoryChannel): void {
    this.#other = other;
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded) return "closed";
    // Not `slice`, which does not copy a Buffer.
    return this.#other.#take(new Uint8Array(message));
  }

  close(reason = "closed"): void {
    this.#inbox.close(reason);
    this.#other.#inbox.end(reason);
  }

  #take(message: Uint8Array): SendOutcome {
    this.#inbox.push(message);
    if (this.#inbox.waitingBytes >= this.#highWaterBytes) this.#isFull = true;
    return this.#isFull ? "full" : "sent";
  }

  #afterTaking(): void {
    if (!this.#isFull || this.#inbox.waitingBytes > this.#highWaterBytes / 2) return;
    this.#isFull = false;
    this.#other.#inbox.drain();
  }
}
