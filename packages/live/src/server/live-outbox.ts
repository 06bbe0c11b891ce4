import type { Channel, SendOutcome } from "@tributary/core";
import { encodeLiveMessage, type LiveServerMessage } from "@tributary/wire";
import type { LiveClock, LiveTimer } from "../live-clock.js";

/** Options of {@link LiveOutbox}. */
export interface LiveOutboxOptions {
  readonly channel: Channel;
  readonly clock: LiveClock;
  /** 0: never. */
  readonly stallTimeoutMs: number;
  /** The client has taken nothing for so long, or too much waits for it. */
  readonly onStall: () => void;
  /** Something is on its way. */
  readonly onSent: () => void;
}

/** What may wait while the channel is full. Reached only by answers that were under way then, and by clients that want to. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024;
const MAX_WAITING_MESSAGES = 10_000;

/** What is sent on a channel: at once while there is room, else in its order when there is. */
export class LiveOutbox {
  readonly #options: LiveOutboxOptions;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isFull = false;
  #stallTimer: LiveTimer | undefined;
  readonly #work: (() => void)[] = [];
  #isWorking = false;
  #isClosed = false;

  constructor(options: LiveOutboxOptions) {
    this.#options = options;
  }

  /** Whether what is sent now is on its way at once. */
  get hasRoom(): boolean {
    return !this.#isFull && !this.#isClosed;
  }

  /** `full`: nothing that need not be sent should be, before `whenRoom` calls back. */
  send(message: LiveServerMessage): SendOutcome {
    if (this.#isClosed) return "closed";
    const bytes = encodeLiveMessage(message);
    if (!this.#isFull) return this.#pass(bytes);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES || this.#waiting.length > MAX_WAITING_MESSAGES)
      this.#options.onStall();
    return "full";
  }

  /** Calls back once, as soon as there is room: whoever asks first comes first. Never, where the channel ends before. */
  whenRoom(work: () => void): void {
    this.#work.push(work);
    this.#goOn();
  }

  /** To be called when the channel says so. */
  drained(): void {
    if (this.#isClosed) return;
    this.#isFull = false;
    this.#stallTimer?.cancel();
    let sent = 0;
    for (; sent < this.#waiting.length && this.hasRoom; sent++) {
      const bytes = this.#waiting[sent] as Uint8Array;
      this.#waitingBytes -= bytes.length;
      this.#pass(bytes);
    }
    this.#waiting = this.#waiting.slice(sent);
    this.#goOn();
  }

  /** Drops what waits. */
  close(): void {
    this.#isClosed = true;
    this.#stallTimer?.cancel();
    this.#waiting = [];
    this.#work.length = 0;
  }

  #pass(bytes: Uint8Array): SendOutcome {
    const { channel, clock, stallTimeoutMs, onStall, onSent } = this.#options;
    onSent();
    const outcome = channel.send(bytes);
    if (outcome !== "full") return outcome;
    this.#isFull = true;
    if (stallTimeoutMs > 0) this.#stallTimer = clock.startTimer(stallTimeoutMs, onStall);
    return outcome;
  }

  #goOn(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      while (this.hasRoom) {
        const work = this.#work.shift();
        if (work === undefined) return;
        work();
      }
    } finally {
      this.#isWorking = false;
    }
  }
}
