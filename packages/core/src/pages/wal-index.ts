import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import type { FileHandle } from "../ports/io-operations.js";
import {
  type AppendedCommit,
  addIndexEntries,
  blockOfFrame,
  INDEX_HEADER_SIZE,
  nextIndexHeader,
} from "../sqlite-format/wal-index-format.js";

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
  /** Both headers as they are after `add` and as they are to be. */
  #unconfirmed: { readonly now: Uint8Array; readonly next: Uint8Array } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Opens the file if it is there: the first read of the first connection makes it. */
  *open(): Coroutine<void> {
    this.#file ??= yield* io.openFile(this.#path, "write");
  }

  /**
   * Adds a commit that was appended to the log, all but the first of the two headers: so it is left as by a writer that
   * died in the middle of that, and the next reader in any process rebuilds it from the log, unless `confirm` is called
   * before. Readers wait for the write lock to do so, which the caller still holds.
   *
   * The first header must wait for the end of that transaction: its ROLLBACK takes what stands there for the state that
   * its connection has seen, and would leave old pages in that connection's cache.
   */
  *add(commit: AppendedCommit): Coroutine<void> {
    this.#unconfirmed = undefined;
    yield* this.open();
    const file = this.#file;
    // Without an index nobody has read yet, and the first reader builds it.
    if (file === undefined) return;
    const headers = yield* io.readAt(file, 0, 2 * INDEX_HEADER_SIZE);
    if (headers.length === 0) return;
    const header = nextIndexHeader(headers, commit);
    if (header === undefined || !(yield* addEntries(file, commit))) {
      const counter = ((headers[CHANGE_COUNTER_OFFSET] as number) + 1) & 0xff;
      yield* io.writeAt(file, CHANGE_COUNTER_OFFSET, Uint8Array.of(counter));
      return;
    }
    yield* io.writeAt(file, INDEX_HEADER_SIZE, header);
    const now = headers.slice();
    now.set(header, INDEX_HEADER_SIZE);
    this.#unconfirmed = { now, next: header };
  }

  /** After the end of the transaction: makes what was added count, so that nobody has to rebuild the index. */
  *confirm(): Coroutine<void> {
    const unconfirmed = this.#unconfirmed;
    if (unconfirmed === undefined) return;
    this.#unconfirmed = undefined;
    const file = this.#file as FileHandle;
    const now = yield* io.readAt(file, 0, 2 * INDEX_HEADER_SIZE);
    // Otherwise somebody else has rebuilt it already.
    const isAsLeft = now.every((byte, at) => byte === unconfirmed.now[at]);
    if (isAsLeft) yield* io.writeAt(file, 0, unconfirmed.next);
  }

  *close(): Coroutine<void> {
    if (this.#file !== undefined) yield* io.closeFile(this.#file);
    this.#file = undefined;
  }
}

/** Adds the frames of a commit to their blocks. False where a block is not what it should be. */
function* addEntries(file: FileHandle, { before, pageNumbers }: AppendedCommit): Coroutine<boolean> {
  for (let from = 0; from < pageNumbers.length; ) {
    const { offset, length, after, capacity } = blockOfFrame(before.frames + from + 1);
    const count = before.frames + from - after;
    const pages = pageNumbers.subarray(from, from + capacity - count);
    const entries = new Uint8Array(length);
    // A block that is not in the file yet has no entries.
    entries.set(yield* io.readAt(file, offset, length));
    if (!addIndexEntries(entries, count, pages)) return false;
    yield* io.writeAt(file, offset, entries);
    from += pages.length;
  }
  return true;
}
