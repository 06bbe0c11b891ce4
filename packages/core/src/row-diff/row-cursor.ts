import { PageDamage } from "../sqlite-format/page-source.js";
import type { CellPayload, TreePage } from "../sqlite-format/tree-page.js";
import type { ImagePages } from "./image-pages.js";
import type { CellPlace } from "./image-trees.js";
import { ImageRecord } from "./record.js";

/** Goes through the rows at some places of a tree, in the order they are stored in. */
export class RowCursor {
  readonly #pages: ImagePages;
  readonly #places: Iterator<CellPlace>;
  readonly #isIndex: boolean;
  /** Of the place that is being gone through. */
  #page: TreePage | undefined;
  #cell = 0;
  #end = 0;
  /** The interior page read last: its rows stand between leaves. */
  #interior: { readonly number: number; readonly page: TreePage } | undefined;
  #payload: CellPayload | undefined;
  #bytes: Uint8Array | undefined;
  #record: ImageRecord | undefined;
  /** More overflow pages than the image has pages are not read: each belongs to one row. */
  #overflowLeft: number;

  constructor(pages: ImagePages, places: Iterable<CellPlace>, isIndex: boolean) {
    this.#pages = pages;
    this.#places = places[Symbol.iterator]();
    this.#isIndex = isIndex;
    this.#overflowLeft = pages.size;
  }

  /** Moves to the next row; false: there is none. The first call moves to the first. */
  next(): boolean {
    this.#payload = undefined;
    this.#bytes = undefined;
    this.#record = undefined;
    for (this.#cell++; this.#page === undefined || this.#cell >= this.#end; ) {
      const place = this.#places.next();
      if (place.done) {
        this.#page = undefined;
        return false;
      }
      this.#enter(place.value);
    }
    return true;
  }

  /** The key of the row in a table with rowids. */
  get rowid(): bigint {
    return this.#current.rowidAt(this.#cell);
  }

  /** Bytes of the record in the page itself, and whether there are more elsewhere. Of use until the next move. */
  get payload(): CellPayload {
    this.#payload ??= this.#current.payloadAt(this.#cell);
    return this.#payload;
  }

  /** All bytes of the record. Of use until the next move. */
  get bytes(): Uint8Array {
    this.#bytes ??= this.#readAll(this.payload);
    return this.#bytes;
  }

  /** The values. Of use as long as it is kept, since pages are copies. */
  get record(): ImageRecord {
    this.#record ??= new ImageRecord(this.bytes, this.#pages.encoding);
    return this.#record;
  }

  get #current(): TreePage {
    if (this.#page === undefined) throw new Error("A row was asked for where there is none.");
    return this.#page;
  }

  #enter({ page, cell }: CellPlace): void {
    if (cell === undefined) {
      this.#page = this.#read(page);
      if (!this.#page.isLeaf) throw new PageDamage(`page ${page} is no leaf`);
      this.#cell = 0;
      this.#end = this.#page.cellCount;
      return;
    }
    if (this.#interior?.number !== page) this.#interior = { number: page, page: this.#read(page) };
    this.#page = this.#interior.page;
    if (this.#page.isLeaf || cell >= this.#page.cellCount) throw new PageDamage(`page ${page} is a leaf`);
    this.#cell = cell;
    this.#end = cell + 1;
  }

  #read(number: number): TreePage {
    const page = this.#pages.readTreePage(number);
    if (page.isTable === this.#isIndex) throw new PageDamage(`page ${number} of another kind of tree`);
    return page;
  }

  #readAll({ length, local, overflow }: CellPayload): Uint8Array {
    if (local.length === length) return local;
    const perPage = this.#pages.usable - 4;
    const count = Math.ceil((length - local.length) / perPage);
    if (count > this.#overflowLeft) throw new PageDamage(`a row of ${length} bytes`);
    this.#overflowLeft -= count;
    const bytes = new Uint8Array(length);
    bytes.set(local);
    let end = local.length;
    for (let page = overflow; end < length; ) {
      if (page === 1) throw new PageDamage("a row that goes on in page 1");
      const part = this.#pages.read(page);
      const content = part.subarray(4, Math.min(this.#pages.usable, 4 + length - end));
      bytes.set(content, end);
      end += content.length;
      page = new DataView(part.buffer, part.byteOffset).getUint32(0);
    }
    return bytes;
  }
}

/**
 * Whether two rows, before and after, have the same bytes. `keepsChain`: whether the pages that a long row goes on in from
 * this one on are the same in both, which then need not be read.
 */
export function sameBytes(
  left: RowCursor,
  right: RowCursor,
  keepsChain: (firstPage: number) => boolean,
): boolean {
  const [one, other] = [left.payload, right.payload];
  if (one.length !== other.length || !equalBytes(one.local, other.local)) return false;
  if (one.local.length === one.length) return true;
  return (one.overflow === other.overflow && keepsChain(one.overflow)) || equalBytes(left.bytes, right.bytes);
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}
