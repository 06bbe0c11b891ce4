import { createRandom, type SeededRandom } from "@tributary/testkit";

/** Tables that everybody writes to: rows of one owner, rows without a key, rows that all fight for, and a counter. */
export const LOAD_SCHEMA = [
  "CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT)",
  "CREATE TABLE log (client TEXT, n INTEGER)",
  "CREATE TABLE shared (id INTEGER PRIMARY KEY, body TEXT)",
  "CREATE TABLE counter (n INTEGER)",
  "INSERT INTO counter VALUES (0)",
  "INSERT INTO shared VALUES (1, ''), (2, ''), (3, ''), (4, ''), (5, '')",
] as const;

/** One statement of a client. */
export interface LoadStatement {
  readonly sql: string;
  readonly args: readonly (string | number)[];
}

/**
 * What one client writes, from one seed, and what of it must be there in the end. Clients change only their own notes, so
 * that their last state is known; a log row that is sent twice shows.
 */
export class LoadPlan {
  readonly random: SeededRandom;
  /** Its notes as they must be. */
  readonly notes = new Map<string, string>();
  /** How many rows of the log are its own. */
  lines = 0;
  readonly #client: string;
  #last = 0;

  constructor(seed: number, client: string) {
    this.random = createRandom(seed);
    this.#client = client;
  }

  /** Statements of one transaction. Counts as done: call it only once the ones before are, or are kept to be repeated. */
  next(): LoadStatement[] {
    const statements: LoadStatement[] = [];
    for (let count = 1 + this.random.below(3); count > 0; count--) statements.push(this.#statement());
    return statements;
  }

  #statement(): LoadStatement {
    const id = this.notes.size > 0 ? this.random.pick([...this.notes.keys()]) : "";
    const body = "x".repeat(this.random.below(200)) + this.random.below(1_000_000);
    switch (this.random.below(id === "" ? 3 : 5)) {
      case 0:
        return { sql: "INSERT INTO log VALUES (?, ?)", args: [this.#client, ++this.lines] };
      case 1:
        return { sql: "UPDATE shared SET body = ? WHERE id = ?", args: [body, 1 + this.random.below(5)] };
      case 3:
        this.notes.set(id, body);
        return { sql: "UPDATE notes SET body = ? WHERE id = ?", args: [body, id] };
      case 4:
        this.notes.delete(id);
        return { sql: "DELETE FROM notes WHERE id = ?", args: [id] };
      default: {
        const made = `${this.#client}/${++this.#last}`;
        this.notes.set(made, body);
        return { sql: "INSERT INTO notes VALUES (?, ?)", args: [made, body] };
      }
    }
  }
}
