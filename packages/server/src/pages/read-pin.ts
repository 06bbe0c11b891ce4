import type { Connection } from "../database/open-connection.js";

/**
 * A read transaction held open: whatever checkpoints run, in this process or another, the state it stands on and all
 * later ones stay readable from the WAL and the database file.
 */
export class ReadPin {
  /** When it was begun, by the server's clock, ms. */
  readonly openedAt: number;
  readonly #connection: Connection;
  #users = 1;

  /** Takes the connection over. The state it pins is fixed when this returns. */
  constructor(connection: Connection, openedAt: number) {
    this.#connection = connection;
    this.openedAt = openedAt;
    try {
      connection.exec("BEGIN");
      // BEGIN alone takes no snapshot: the first read does.
      connection.prepare("SELECT count(*) FROM sqlite_schema").get();
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Adds a user. There is one to begin with. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  /** Takes a user away; the last one ends the transaction. */
  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#connection.close();
  }
}
