import { SqlError } from "../sql/sql-error.js";

/** Asks for the right to write, and gives it back: messages to whoever keeps the line of writers. */
export interface PermitDesk {
  want(): void;
  giveBack(): void;
}

/**
 * The right of one stream to write to its database. SQLite's own lock would do, but whoever waits for that waits inside
 * SQLite, or tries again and again; so writers line up in the main thread, and SQLite's lock is free when their turn comes.
 */
export class WritePermit {
  readonly #desk: PermitDesk;
  #isHeld = false;
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(desk: PermitDesk) {
    this.#desk = desk;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Gives a promise only if somebody else has it. Rejects with `SqlError` SQLITE_BUSY where that takes too long. */
  acquire(): Promise<void> | undefined {
    if (this.#isHeld) return undefined;
    let refusal: Error | undefined;
    // The answer may come before `want` returns, where the line is in this thread.
    this.#waiting = {
      resolve: () => {},
      reject: (error) => {
        refusal = error;
      },
    };
    this.#desk.want();
    if (this.#isHeld) return undefined;
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Does nothing if it is not held. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#desk.giveBack();
  }

  /** The answer to `want`. */
  grant(): void {
    this.#isHeld = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** The answer to `want` when it took too long, or there is nothing to write to any more. */
  refuse(): void {
    this.#waiting?.reject(new SqlError("SQLITE_BUSY", "SQLite error: database is locked"));
    this.#waiting = undefined;
  }

  /** It was taken away: not to be given back. */
  forfeit(): void {
    this.#isHeld = false;
  }
}
