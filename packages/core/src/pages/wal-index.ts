import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import type { FileHandle } from "../ports/io-operations.js";

/** The change counter in the first of the two headers, which are copies of each other. */
const CHANGE_COUNTER_OFFSET = 8;

/**
 * The `-shm` file of a database: SQLite's index of the log, shared between processes.
 *
 * It is opened once and closed only after the last connection of this process: closing any descriptor of it drops every
 * lock that SQLite holds on it here.
 */
export class WalIndex {
  readonly #path: string;
  #file: FileHandle | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Opens the file if it is there: the first read of the first connection makes it. */
  *open(): Coroutine<void> {
    this.#file ??= yield* io.openFile(this.#path, "write");
  }

  /**
   * Leaves the index as a writer that died right after its commit frame: its two headers differ, so the next reader in
   * any process rebuilds it from the log. It has to wait for the write lock, which the caller still holds.
   */
  *makeStale(): Coroutine<void> {
    yield* this.open();
    // Without an index nobody has read yet, and the first reader builds it.
    if (this.#file === undefined) return;
    const byte = yield* io.readAt(this.#file, CHANGE_COUNTER_OFFSET, 1);
    if (byte.length === 0) return;
    yield* io.writeAt(this.#file, CHANGE_COUNTER_OFFSET, Uint8Array.of(((byte[0] as number) + 1) & 0xff));
  }

  *close(): Coroutine<void> {
    if (this.#file !== undefined) yield* io.closeFile(this.#file);
    this.#file = undefined;
  }
}
