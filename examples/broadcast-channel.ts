import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox, weightOf } from "@tributary/live";

/** The two ends. All that listen to a BroadcastChannel hear all that is said, so each thing says whom it is for. */
export type Side = "left" | "right";

interface Posted {
  readonly to: Side;
  readonly message?: Uint8Array;
  /** So much of what was sent has been taken, bytes. */
  readonly taken?: number;
  readonly end?: string;
}

/** A sender is told `full` when this much was sent that nobody has taken, bytes. */
const HIGH_WATER_BYTES = 1 << 20;
/** The other end says so each time that it has taken this much: less than half of the above, bytes. */
const REPORTED_BYTES = 64 * 1024;

/**
 * One end of a channel between two tabs, or threads, that know the same name. The other end must be there before anything
 * is sent: nobody keeps what nobody hears. Nothing tells when a tab is gone; who needs to know asks now and then, as the
 * live protocol does.
 */
export function openBroadcastChannel(name: string, side: Side): Channel {
  return new TabChannel(new BroadcastChannel(name), side);
}

class TabChannel implements Channel {
  readonly #tabs: BroadcastChannel;
  readonly #side: Side;
  // Keeps what comes before `listen`, and sees to it that the end is told once and last.
  readonly #inbox = new ChannelInbox({ onTaken: (message) => this.#report(weightOf(message)) });
  #sentBytes = 0;
  #takenBytes = 0;
  #isFull = false;

  constructor(tabs: BroadcastChannel, side: Side) {
    this.#tabs = tabs;
    this.#side = side;
    tabs.onmessage = (event) => this.#receive((event as MessageEvent<Posted>).data);
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded) return "closed";
    // A clone of a part of a buffer is a clone of the whole buffer, so a copy is sent.
    this.#post({ message: new Uint8Array(message) });
    this.#sentBytes += weightOf(message);
    if (this.#sentBytes >= HIGH_WATER_BYTES) this.#isFull = true;
    return this.#isFull ? "full" : "sent";
  }

  close(reason = "closed"): void {
    const wasOpen = !this.#inbox.isEnded;
    this.#inbox.close(reason);
    if (!wasOpen) return;
    this.#post({ end: reason });
    this.#tabs.close();
  }

  #receive({ to, message, taken, end }: Posted): void {
    if (to !== this.#side || this.#inbox.isEnded) return;
    if (message !== undefined) this.#inbox.push(message);
    if (taken !== undefined) this.#afterTaking(taken);
    if (end === undefined) return;
    this.#inbox.end(end);
    this.#tabs.close();
  }

  #report(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes < REPORTED_BYTES || this.#inbox.isEnded) return;
    this.#post({ taken: this.#takenBytes });
    this.#takenBytes = 0;
  }

  #afterTaking(bytes: number): void {
    this.#sentBytes -= bytes;
    if (!this.#isFull || this.#sentBytes > HIGH_WATER_BYTES / 2) return;
    this.#isFull = false;
    this.#inbox.drain();
  }

  #post(what: Omit<Posted, "to">): void {
    this.#tabs.postMessage({ to: this.#side === "left" ? "right" : "left", ...what });
  }
}
