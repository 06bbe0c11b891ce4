import type { TableChanges } from "../replica-status.js";

type Listener = (changes: TableChanges) => void;

/**
 * Who wants to know which tables have changed. What is noted is told soon after, when the code that runs has come to its
 * end: what changed meanwhile is told together, and no listener runs inside a statement of the app or a step of the engine.
 */
export class ChangeFeed {
  readonly #listeners: Set<{ readonly listener: Listener }> = new Set();
  readonly #noted: Map<TableChanges["source"], Set<string>> = new Map();

  /** Whether it is worth finding out what has changed. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls the listener from now on, until the function that is returned is called. */
  listen(listener: Listener): () => void {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  note(source: TableChanges["source"], tables: Iterable<string>): void {
    const names = [...tables];
    if (names.length === 0) return;
    if (this.#noted.size === 0) queueMicrotask(() => this.#tell());
    const noted = this.#noted.get(source) ?? new Set();
    for (const name of names) noted.add(name);
    this.#noted.set(source, noted);
  }

  #tell(): void {
    const all = [...this.#noted].map(([source, tables]): TableChanges => ({ source, tables: [...tables] }));
    this.#noted.clear();
    for (const changes of all) {
      for (const entry of [...this.#listeners]) {
        // An earlier one may have taken it away.
        if (!this.#listeners.has(entry)) continue;
        try {
          entry.listener(changes);
        } catch (error) {
          // The app's mistake is told where its others are: as an uncaught exception. The other listeners are called.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }
  }
}
