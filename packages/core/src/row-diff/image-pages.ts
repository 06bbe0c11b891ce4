import type { Coroutine } from "../coroutine/coroutine.js";
import { removeFreePages } from "../sqlite-format/free-pages.js";
import { PageDamage, PageSource } from "../sqlite-format/page-source.js";
import { TreePage } from "../sqlite-format/tree-page.js";
import { PAGE_SIZE } from "../values/page.js";
import type { DatabaseImage } from "./database-image.js";

const OFFSET = { schemaFormat: 44, userVersion: 60, applicationId: 68 } as const;
/** In databases of older formats, indexes are ascending whatever was asked for. */
const DESCENDING_FORMAT = 4;

/** The pages of an image, read synchronously; what does not fit is `PageDamage`. */
export class ImagePages {
  /** In pages. */
  readonly size: number;
  /** Bytes of a page that SQLite uses. */
  readonly usable: number;
  /** 1 UTF-8, 2 UTF-16le, 3 UTF-16be. */
  readonly encoding: number;
  /** Whether indexes that were made with DESC are descending. */
  readonly hasDescending: boolean;
  readonly userVersion: number;
  readonly applicationId: number;
  readonly #image: DatabaseImage;
  readonly #source: PageSource;

  constructor(image: DatabaseImage) {
    this.#image = image;
    this.size = image.size;
    const first = this.#copy(1);
    this.#source = finish(
      // biome-ignore lint/correctness/useYield: answers without asking the host.
      PageSource.open(function* (this: void, page) {
        return page === 1 ? first : copyOf(image, page);
      }, image.size),
    );
    this.usable = this.#source.usable;
    // Not set yet in a database without tables; SQLite takes it for UTF-8.
    this.encoding = Math.max(1, this.#source.encoding);
    if (this.encoding > 3) throw new PageDamage(`text in the unknown encoding ${this.encoding}`);
    const header = new DataView(first.buffer, first.byteOffset, first.byteLength);
    this.hasDescending = header.getUint32(OFFSET.schemaFormat) >= DESCENDING_FORMAT;
    this.userVersion = header.getInt32(OFFSET.userVersion);
    this.applicationId = header.getInt32(OFFSET.applicationId);
  }

  /** The bytes of a page: a copy, since images may be read until the next call only. */
  read(page: number): Uint8Array {
    return finish(this.#source.read(page));
  }

  readTreePage(page: number): TreePage {
    return new TreePage(this.read(page), page, this.usable);
  }

  /** Takes the pages out of the set that no row can be in: free ones, those of SQLite's own, those that are not there. */
  removeUnused(pages: Set<number>): void {
    for (const page of pages) {
      if (page > this.size || this.#source.isBookkeeping(page)) pages.delete(page);
    }
    if (pages.size > 0) finish(removeFreePages(this.#source, pages));
  }

  #copy(page: number): Uint8Array {
    return copyOf(this.#image, page);
  }
}

function copyOf(image: DatabaseImage, page: number): Uint8Array {
  const bytes = image.readPage(page);
  if (bytes.length !== PAGE_SIZE) throw new PageDamage(`page ${page} of ${bytes.length} bytes`);
  return Uint8Array.from(bytes);
}

/** Runs what asks nothing of a host. */
function finish<T>(coroutine: Coroutine<T>): T {
  const step = coroutine.next();
  if (!step.done) throw new Error(`${step.value.method} was asked for while an image was read.`);
  return step.value;
}
