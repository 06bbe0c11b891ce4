import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import type { LiveClock } from "@tributary/live";
import type { SeededRandom } from "@tributary/testkit";

/** What befalls messages: probabilities of each, and how long they are on their way, ms. */
export interface ChannelFaults {
  readonly drop?: number;
  readonly duplicate?: number;
  /** Without `reorder`, messages keep their order however long each takes. */
  readonly delayMs?: readonly [least: number, most: number];
  readonly reorder?: boolean;
  /** Bytes on their way from which on a sender is told `full`. */
  readonly highWaterBytes?: number;
  /** The network goes away when this many messages were sent by both ends together: before the next one is taken. */
  readonly cutAfter?: number;
}

/** Two ends of a channel that breaks what channels promise. */
export interface FaultyChannels {
  readonly left: Channel;
  readonly right: Channel;
  /** Messages that either end has sent. */
  readonly sent: number;
  /** The most bytes that were on their way at once, from either end. */
  readonly mostBytes: number;
  /** The network goes away: what is on its way is lost, and both ends are told. */
  cut(): void;
}

/** Everything that happens is a timer of the clock, so a seed and a clock of the same kind give the same run. */
export function createFaultyChannels(
  clock: LiveClock,
  random: SeededRandom,
  faults: ChannelFaults = {},
): FaultyChannels {
  let sent = 0;
  const count = (): boolean => {
    if (sent === faults.cutAfter) {
      cut();
      return false;
    }
    sent++;
    return true;
  };
  const left = new FaultyEnd(clock, random, faults, count);
  const right = new FaultyEnd(clock, random, faults, count);
  left.other = right;
  right.other = left;
  const cut = (): void => {
    left.cut();
    right.cut();
  };
  return {
    left,
    right,
    get sent() {
      return sent;
    },
    get mostBytes() {
      return Math.max(left.mostBytes, right.mostBytes);
    },
    cut,
  };
}

class FaultyEnd implements Channel {
  readonly #clock: LiveClock;
  readonly #random: SeededRandom;
  readonly #faults: ChannelFaults;
  readonly #count: () => boolean;
  other!: FaultyEnd;
  #events: ChannelEvents | undefined;
  readonly #early: Uint8Array[] = [];
  #closeReason: string | undefined;
  #isOver = false;
  #wasCut = false;
  /** What was sent from here and is on its way. */
  #bytes = 0;
  #wasFull = false;
  #lastArrival = 0;
  mostBytes = 0;

  constructor(clock: LiveClock, random: SeededRandom, faults: ChannelFaults, count: () => boolean) {
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
    this.#count = count;
  }

  listen(events: ChannelEvents): void {
    this.#events = events;
    for (const message of this.#early.splice(0)) this.#clock.startTimer(0, () => this.#deliver(message));
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#closeReason !== undefined || !this.#count()) return "closed";
    const { drop = 0, duplicate = 0, highWaterBytes = Number.POSITIVE_INFINITY } = this.#faults;
    const copy = message.slice();
    if (!this.#random.chance(drop)) this.#transport(copy);
    if (this.#random.chance(duplicate)) this.#transport(copy);
    if (this.#bytes < highWaterBytes) return "sent";
    this.#wasFull = true;
    return "full";
  }

  close(reason = "closed"): void {
    if (this.#closeReason !== undefined) return;
    this.#end(reason, 0);
    this.other.#end(reason, this.#arrival() - this.#clock.now());
  }

  cut(): void {
    this.#wasCut = true;
    this.#end("the network is gone", 0);
  }

  #arrival(): number {
    const [least, most] = this.#faults.delayMs ?? [0, 0];
    const arrival = this.#clock.now() + least + this.#random.next() * (most - least);
    if (this.#faults.reorder === true) return arrival;
    this.#lastArrival = Math.max(this.#lastArrival, arrival);
    return this.#lastArrival;
  }

  #transport(message: Uint8Array): void {
    this.#bytes += message.length;
    this.mostBytes = Math.max(this.mostBytes, this.#bytes);
    this.#clock.startTimer(this.#arrival() - this.#clock.now(), () => {
      this.#bytes -= message.length;
      this.other.#deliver(message.slice());
      if (!this.#wasFull || this.#bytes > (this.#faults.highWaterBytes ?? 0) / 2) return;
      this.#wasFull = false;
      if (this.#closeReason === undefined) this.#events?.onDrain();
    });
  }

  #deliver(message: Uint8Array): void {
    if (this.#isOver || this.#wasCut) return;
    if (this.#events === undefined) this.#early.push(message);
    else this.#events.onMessage(message);
  }

  #end(reason: string, afterMs: number): void {
    if (this.#closeReason !== undefined && afterMs > 0) return;
    this.#closeReason ??= reason;
    this.#clock.startTimer(afterMs, () => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#events?.onClose(reason);
    });
  }
}
