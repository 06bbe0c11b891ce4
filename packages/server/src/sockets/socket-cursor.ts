import type { SqlCursor } from "../hrana/sql-stream.js";
import { Lane } from "./lane.js";

/** One cursor of a socket: opening, open, closed, or failed to open. Requests for it wait until it is opened. */
export class SocketCursor {
  readonly lane: Lane;
  /** Settles when its stream may go on with other work. */
  readonly released: Promise<void>;
  /** Undefined before it is opened, where that failed, and once it is closed. */
  sql: SqlCursor | undefined;
  /** Whether the last entry was fetched: clients ask on, and are told again. */
  isDone = false;
  #release: () => void = () => {};

  /** Whether there is more to read: until then a statement of it may stand in the middle of its rows. */
  get isReading(): boolean {
    return this.sql !== undefined && !this.isDone;
  }

  constructor(gate: () => Promise<void> | undefined) {
    this.lane = new Lane(gate, true);
    this.released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Stops the batch, and lets the stream go on. Calling it again does nothing. */
  close(): void {
    const sql = this.sql;
    this.sql = undefined;
    sql?.close();
    this.#release();
  }
}
