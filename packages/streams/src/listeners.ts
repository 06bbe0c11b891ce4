/**
 * Who wants to be told of something: of commits, or of the end. They are told in a microtask, each once: never inside the
 * statement that committed, where the database cannot be used yet. What a listener throws keeps nobody else from being told, and is
 * thrown again by itself, as an exception that nobody has caught.
 */
export class Listeners {
  readonly #listeners = new Set<() => void>();
  #isClosed = false;

  /** Gives the function that ends it. The same function may be added twice. */
  add(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** It has happened. */
  note(): void {
    if (this.#listeners.size > 0) queueMicrotask(() => this.#tell());
  }

  /** Nobody is told any more, of what was noted before either. */
  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) {
      // One of those before may have ended it.
      if (this.#isClosed || !this.#listeners.has(listener)) continue;
      try {
        listener();
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
