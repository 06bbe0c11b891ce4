import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { FileHandle } from "../ports/io-operations.js";
import type { PageBatch } from "../ports/protocol-io.js";
import type { PageImages } from "../ports/replica-pages.js";
import { checkRemoteFirstPage, LOCK_BYTE_PAGE } from "../sqlite-format/database-header.js";
import { PAGE_SIZE, pageIdOf, pageNumberOf } from "../values/page.js";
import { GrowableWords } from "./growable-words.js";
import { PageMap } from "./page-map.js";

/**
 * Pages on their way from the remote: images go to a file in the order they come, only their numbers stay in memory.
 * Nothing here outlives the process: a download that a crash cut off is fetched again, so the file is never synced.
 */
export class PageDownload implements PageImages {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #databaseSize: number;
  readonly #received: PageMap = new PageMap();
  readonly #numbers: GrowableWords = new GrowableWords();
  #disposed = false;

  private constructor(path: string, file: FileHandle, databaseSize: number) {
    this.#path = path;
    this.#file = file;
    this.#databaseSize = databaseSize;
  }

  /** Begins a download of pages of a database of that many pages; a file that is there is emptied. */
  static *create(path: string, databaseSize: number): Coroutine<PageDownload> {
    const file = (yield* io.openFile(path, "replace")) as FileHandle;
    return new PageDownload(path, file, databaseSize);
  }

  get pageNumbers(): Uint32Array {
    return this.#numbers.words;
  }

  /** Pages received so far. */
  get pageCount(): number {
    return this.#numbers.length;
  }

  /** Takes the next pages. Fails with `invalid-page-stream` for a page beyond the database, or sent before. */
  *add(batch: PageBatch): Coroutine<void> {
    const { pageIds, bytes } = batch;
    if (bytes.length !== pageIds.length * PAGE_SIZE) {
      throw new SyncError(
        "invalid-page-stream",
        `The remote sent ${bytes.length} bytes for ${pageIds.length} pages of ${PAGE_SIZE}. Nothing was applied.`,
      );
    }
    this.#received.addAll(pageIds, this.#databaseSize);
    yield* io.writeAt(this.#file, this.pageCount * PAGE_SIZE, bytes);
    for (const pageId of pageIds) this.#numbers.push(pageNumberOf(pageId));
  }

  /**
   * Fails with `invalid-page-stream` unless the pages can be applied. `full`: they are to be the whole database; else
   * they are what changed, and only page 1 can be looked at.
   */
  *checkComplete(full: boolean): Coroutine<void> {
    if (full) this.#checkAllReceived();
    if (!this.#received.has(pageIdOf(1))) return;
    const index = this.pageNumbers.indexOf(1);
    checkRemoteFirstPage(yield* this.read(index, index + 1), this.#databaseSize);
  }

  *read(from: number, to: number): Coroutine<Uint8Array> {
    const length = (to - from) * PAGE_SIZE;
    const bytes = yield* io.readAt(this.#file, from * PAGE_SIZE, length);
    if (bytes.length === length) return bytes;
    throw new SyncError("io-failed", `${this.#path} is shorter than what was written to it. Pull again.`, {
      path: this.#path,
    });
  }

  /** Closes and removes the file. May be called twice. */
  *dispose(): Coroutine<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    yield* io.closeFile(this.#file);
    yield* io.removeFile(this.#path);
  }

  #checkAllReceived(): void {
    let missing = this.#received.firstMissing(this.#databaseSize);
    // Nothing is ever stored in that page, so a remote need not have it.
    if (missing === pageIdOf(LOCK_BYTE_PAGE) && this.#databaseSize === this.pageCount + 1)
      missing = undefined;
    if (missing === undefined && this.#databaseSize > 0) return;
    throw new SyncError(
      "invalid-page-stream",
      `The remote announced ${this.#databaseSize} pages and sent ${this.pageCount}; the first one missing has the id ${missing ?? 0}. Nothing was applied.`,
    );
  }
}
