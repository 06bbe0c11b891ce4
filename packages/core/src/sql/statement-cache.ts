/** Keeps the most recently used of what was made from SQL texts. */
export class StatementCache<T> {
  readonly #entries = new Map<string, T>();
  readonly #capacity: number;

  constructor(capacity = 256) {
    this.#capacity = capacity;
  }

  get(sql: string, make: (sql: string) => T): T {
    const known = this.#entries.get(sql);
    if (known !== undefined) {
      // A Map iterates in the order of insertion: the first entry is the one not used for longest.
      this.#entries.delete(sql);
      this.#entries.set(sql, known);
      return known;
    }
    const made = make(sql);
    this.#entries.set(sql, made);
    if (this.#entries.size > this.#capacity) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    return made;
  }
}
