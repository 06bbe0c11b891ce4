/** Carries out calls of one key in their order, one at a time; those of different keys do not wait for each other. */
export class TurnsByKey<Key> {
  readonly #tails = new Map<Key, Promise<unknown>>();

  /** Whether a call of that key is under way, or waits. */
  isTaken(key: Key): boolean {
    return this.#tails.has(key);
  }

  /** Resolves and rejects as `work` does. */
  run<T>(key: Key, work: () => T | Promise<T>): Promise<T> {
    const result = (this.#tails.get(key) ?? Promise.resolve()).then(work);
    const tail = result.then(
      () => {},
      // Told to whoever called; the next call does not care.
      () => {},
    );
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return result;
  }
}
