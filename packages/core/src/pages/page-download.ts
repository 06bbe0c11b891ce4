import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { FileHandle } from "../ports/io-operations.js";
import type { PageBatch } from "../ports/protocol-io.js";
import type { PageImages } from "../ports/replica-pages.js";
import { checkRemoteFirstPage, LOCK_BYTE_PAGE } from "../sqlite-format/database-header.js";
import { grownToHold } from "../values/grown-to-hold.js";
import { PAGE_SIZE, pageIdOf, pageNumberOf } from "../values/page.js";
import { GrowableWords } from "./growable-words.js";
import { PageMap } from "./page-map.js";
import { TRANSFER_BYTES } from "./read-images.js";

/** Smaller downloads make no file, which is a write and a read of every page more. 8 MiB. */
const PAGES_IN_MEMORY = (8 * TRANSFER_BYTES) / PAGE_SIZE;

/**
 * Pages on their way from the remote, in the order they come. Of a large download the images go to a file, and only their
 * numbers stay in memory. Nothing here outlives the process: a download that a crash cut off is fetched again, so the file
 * is never synced.
 */
export class PageDownload implements PageImages {
  readonly #path: string;
  readonly #databaseSize: number;
  readonly #pagesInMemory: number;
  /** As long as there is no file. */
  #images: Uint8Array = new Uint8Array(0);
  #file: FileHandle | undefined;
  readonly #received: PageMap = new PageMap();
  readonly #numbers: GrowableWords = new GrowableWords();

  /**
   * Begins a download of pages of a database of that many pages. With more than `pagesInMemory` it goes to the file, which is
   * emptied then.
   */
  constructor(path: string, databaseSize: number, pagesInMemory: number = PAGES_IN_MEMORY) {
    this.#path = path;
    this.#databaseSize = databaseSize;
    this.#pagesInMemory = pagesInMemory;
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
    const end = this.pageCount * PAGE_SIZE;
    if (this.#file === undefined && this.#received.size > this.#pagesInMemory) yield* this.#moveToFile(end);
    if (this.#file !== undefined) yield* io.writeAt(this.#file, end, bytes);
    else if (bytes.length > 0) {
      const last = end + bytes.length - 1;
      this.#images = grownToHold(this.#images, last, (length) => new Uint8Array(length));
      this.#images.set(bytes, end);
    }
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
    if (this.#file === undefined) return this.#images.subarray(from * PAGE_SIZE, to * PAGE_SIZE);
    const length = (to - from) * PAGE_SIZE;
    const bytes = yield* io.readAt(this.#file, from * PAGE_SIZE, length);
    if (bytes.length === length) return bytes;
    throw new SyncError("io-failed", `${this.#path} is shorter than what was written to it. Pull again.`, {
      path: this.#path,
    });
  }

  /** Closes and removes the file. May be called twice. */
  *dispose(): Coroutine<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    yield* io.closeFile(file);
    yield* io.removeFile(this.#path);
  }

  *#moveToFile(end: number): Coroutine<void> {
    this.#file = (yield* io.openFile(this.#path, "replace")) as FileHandle;
    if (end > 0) yield* io.writeAt(this.#file, 0, this.#images.subarray(0, end));
    this.#images = new Uint8Array(0);
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
