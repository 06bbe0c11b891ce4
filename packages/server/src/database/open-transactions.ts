import type { ServerClock } from "../server-clock.js";

/** Who has a transaction open. */
export interface TransactionHolder {
  /** Whether it can be rolled back at once, and nobody else with it. */
  readonly canLoseTransaction: boolean;
  /** Its transaction is to be rolled back. */
  takeTransaction(): void;
}

/**
 * The transactions that clients have open from one request to the next. One that merely reads is in no writer's way, but
 * while it is open no commit can start the WAL over: that grows without end.
 */
export class OpenTransactions {
  readonly #clock: ServerClock;
  readonly #timeoutMs: number;
  readonly #since = new Map<TransactionHolder, number>();

  constructor(clock: ServerClock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** To be called after each request of somebody. */
  note(holder: TransactionHolder, isOpen: boolean): void {
    if (!isOpen) this.#since.delete(holder);
    else if (!this.#since.has(holder)) this.#since.set(holder, this.#clock.now());
  }

  /** Rolls back those that have been open for too long. */
  takeOld(): void {
    const latest = this.#clock.now() - this.#timeoutMs;
    for (const [holder, since] of [...this.#since]) {
      if (since > latest || !holder.canLoseTransaction) continue;
      this.#since.delete(holder);
      holder.takeTransaction();
    }
  }
}
