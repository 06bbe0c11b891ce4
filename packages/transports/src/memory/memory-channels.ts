import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";

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
  #other!: MemoryChannel;
  #events: ChannelEvents | undefined;
  /** What the other end has sent and this one has not been told of. */
  readonly #incoming: Uint8Array[] = [];
  #incomingBytes = 0;
  #isDelivering = false;
  #wasFull = false;
  /** Why no more will come; what came before is still delivered. */
  #closeReason: string | undefined;
  #isOver = false;

  constructor(highWaterBytes: number) {
    this.#highWaterBytes = highWaterBytes;
  }

  pair(other: MemoryChannel): void {
    this.#other = other;
  }

  listen(events: ChannelEvents): void {
    this.#events = events;
    this.#deliverSoon();
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#closeReason !== undefined) return "closed";
    return this.#other.#take(message.slice());
  }

  close(reason = "closed"): void {
    if (this.#closeReason !== undefined) return;
    // What was on its way to this end is nobody's any more.
    this.#incoming.length = 0;
    this.#end(reason);
    this.#other.#end(reason);
  }

  #take(message: Uint8Array): SendOutcome {
    this.#incoming.push(message);
    this.#incomingBytes += message.length;
    this.#deliverSoon();
    if (this.#incomingBytes < this.#highWaterBytes) return "sent";
    this.#wasFull = true;
    return "full";
  }

  #end(reason: string): void {
    this.#closeReason ??= reason;
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#isDelivering || this.#events === undefined || this.#isOver) return;
    this.#isDelivering = true;
    queueMicrotask(() => this.#deliver(this.#events as ChannelEvents));
  }

  #deliver(events: ChannelEvents): void {
    this.#isDelivering = false;
    const message = this.#incoming.shift();
    if (message !== undefined) {
      this.#incomingBytes -= message.length;
      this.#deliverSoon();
      if (this.#wasFull && this.#incomingBytes < this.#highWaterBytes / 2) {
        this.#wasFull = false;
        this.#other.#drain();
      }
      events.onMessage(message);
      return;
    }
    if (this.#closeReason === undefined || this.#isOver) return;
    this.#isOver = true;
    events.onClose(this.#closeReason);
  }

  #drain(): void {
    queueMicrotask(() => {
      if (this.#closeReason === undefined) this.#events?.onDrain();
    });
  }
}
