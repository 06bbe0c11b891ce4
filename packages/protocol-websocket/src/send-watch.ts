import type { LiveClock, LiveTimer } from "@tributary/live";

/** Sockets do not tell when they have sent something: those that are full are looked at this often, ms. */
const LOOK_INTERVAL_MS = 10;

export interface SendWatchOptions {
  /** Above this a sender is told to wait, bytes. */
  readonly highWaterBytes: number;
  readonly clock: LiveClock;
  /** Bytes that are waiting to be sent. */
  readonly waitingBytes: () => number;
  /** At most half of what was too much is left. */
  readonly onDrain: () => void;
}

/** Watches how much a socket has still to send. */
export class SendWatch {
  readonly #options: SendWatchOptions;
  #timer: LiveTimer | undefined;

  constructor(options: SendWatchOptions) {
    this.#options = options;
  }

  /** What became of a message that the socket has just taken. */
  afterSend(): "sent" | "full" {
    const { highWaterBytes, waitingBytes } = this.#options;
    if (this.#timer !== undefined) return "full";
    if (waitingBytes() <= highWaterBytes) return "sent";
    this.#lookLater();
    return "full";
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lookLater(): void {
    const { highWaterBytes, clock, waitingBytes, onDrain } = this.#options;
    this.#timer = clock.startTimer(LOOK_INTERVAL_MS, () => {
      this.#timer = undefined;
      if (waitingBytes() > highWaterBytes / 2) this.#lookLater();
      else onDrain();
    });
  }
}
