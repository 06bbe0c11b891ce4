/** Those in this process who want to hear of each commit. */
export class CommitListeners {
  readonly #listeners = new Set<{ readonly call: (revision: string) => void }>();

  /** Gives the function that ends it. */
  add(listener: (revision: string) => void): () => void {
    const entry = { call: listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Calls them once what runs at present is done: whoever commits neither waits for them nor fails with them. */
  tell(revision: string): void {
    for (const entry of this.#listeners) {
      queueMicrotask(() => {
        if (this.#listeners.has(entry)) entry.call(revision);
      });
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
