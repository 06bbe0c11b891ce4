import type { Coroutine } from "../coroutine/coroutine.js";
import { PAGE_SIZE } from "../values/page.js";
import { DATABASE_HEADER_SIZE, LOCK_BYTE_PAGE, parseDatabaseHeader } from "./database-header.js";

/** How the image of a page is read, by its one-based number. */
export type ReadPage = (pageNumber: number) => Coroutine<Uint8Array>;

/** The pages are not those of a database: what was read of them so far means nothing. Never leaves core. */
export class PageDamage extends Error {}

/** Pages of one state of a database, and what page 1 says of all of them. Reads no page that is not there. */
export class PageSource {
  /** In pages. */
  readonly size: number;
  /** Bytes of a page that SQLite uses. */
  readonly usable: number;
  /** Text encoding: 1 UTF-8, 2 UTF-16le, 3 UTF-16be. */
  readonly encoding: number;
  /** First page of the list of free pages; 0: none is free. */
  readonly firstTrunk: number;
  /** Whether there are pages that say whose the other pages are. */
  readonly hasPointerMap: boolean;
  readonly #readPage: ReadPage;
  readonly #first: Uint8Array;

  private constructor(readPage: ReadPage, size: number, first: Uint8Array) {
    const header = parseDatabaseHeader(first);
    if (header === undefined || first.length !== PAGE_SIZE || header.pageSize !== PAGE_SIZE)
      throw new PageDamage("page 1");
    const view = new DataView(first.buffer, first.byteOffset, DATABASE_HEADER_SIZE);
    this.#readPage = readPage;
    this.#first = first;
    this.size = size;
    this.usable = PAGE_SIZE - header.reservedBytes;
    this.encoding = view.getUint32(56);
    this.firstTrunk = view.getUint32(32);
    this.hasPointerMap = view.getUint32(52) !== 0;
  }

  static *open(readPage: ReadPage, size: number): Coroutine<PageSource> {
    return new PageSource(readPage, size, yield* readPage(1));
  }

  *read(pageNumber: number): Coroutine<Uint8Array> {
    if (pageNumber === 1) return this.#first;
    if (pageNumber < 1 || pageNumber > this.size || pageNumber === LOCK_BYTE_PAGE)
      throw new PageDamage(`page ${pageNumber} of ${this.size}`);
    return yield* this.#readPage(pageNumber);
  }

  /** Whether the page holds nothing of a table in any state: locks, or whose the other pages are. */
  isBookkeeping(pageNumber: number): boolean {
    if (pageNumber === LOCK_BYTE_PAGE) return true;
    if (!this.hasPointerMap || pageNumber < 2) return false;
    const covered = Math.floor(this.usable / 5) + 1;
    const map = Math.floor((pageNumber - 2) / covered) * covered + 2;
    return pageNumber === (map === LOCK_BYTE_PAGE ? map + 1 : map);
  }
}
