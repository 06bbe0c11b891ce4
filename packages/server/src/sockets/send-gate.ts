import type { ServerClock, ServerTimer } from "../server-clock.js";
import type { SyncSocket } from "./sync-socket.js";

/** Above this no new work is begun on a socket, bytes. */
const HIGH_WATER_BYTES = 8 * 1024 * 1024;
/** Sockets do not tell when they have sent something: those that are full are looked at this often, ms. */
const LOOK_INTERVAL_MS = 20;

export interface SendGateOptions {
  readonly socket: SyncSocket;
  readonly clock: ServerClock;
  /** 0: never. */
  readonly stallTimeoutMs: number;
  /** The client has read nothing for so long. */
  readonly onStall: () => void;
}

/** Holds work back while the client does not read what was sent. */
export class SendGate {
  readonly #options: SendGateOptions;
  #opening: Promise<void> | undefined;
  #timer: ServerTimer | undefined;

  constructor(options: SendGateOptions) {
    this.#options = options;
  }

  /** Undefined: go on. Never settles once the gate is closed. */
  pass(): Promise<void> | undefined {
    if (this.#options.socket.bufferedAmount <= HIGH_WATER_BYTES) return undefined;
    this.#opening ??= this.#waitUntilSent();
    return this.#opening;
  }

  /** Ends it, with its timer. */
  close(): void {
    this.#timer?.cancel();
  }

  #waitUntilSent(): Promise<void> {
    const { socket, clock, stallTimeoutMs, onStall } = this.#options;
    let least = socket.bufferedAmount;
    let progressAt = clock.now();
    return new Promise((resolve) => {
      const look = (): void => {
        const amount = socket.bufferedAmount;
        if (amount <= HIGH_WATER_BYTES) {
          this.#opening = undefined;
          resolve();
          return;
        }
        if (amount < least) {
          least = amount;
          progressAt = clock.now();
        } else if (stallTimeoutMs > 0 && clock.now() - progressAt >= stallTimeoutMs) {
          onStall();
          return;
        }
        this.#timer = clock.startTimer(LOOK_INTERVAL_MS, look);
      };
      this.#timer = clock.startTimer(LOOK_INTERVAL_MS, look);
    });
  }
}
