import { PAGE_SIZE } from "../values/page.js";

/** Types of b-tree pages. */
const TABLE_INTERIOR = 5;
const TABLE_LEAF = 13;
/** A cell takes no less than 6 bytes with its pointer; SQLite takes a page that counts more for corrupt. */
const MAX_CELLS = Math.floor((PAGE_SIZE - 8) / 6);
const SMALLEST_CELL = 4;

/** What the root of a table lies in. */
export interface RootPlace {
  /** Where in the page its header begins. */
  readonly start: number;
  /** Bytes of the page that SQLite uses. */
  readonly usableBytes: number;
  /** Pages of the database; `undefined` when that is not known. */
  readonly databaseSize: number | undefined;
}

/**
 * Why SQLite could not read a page as the root of a table, to follow "Page n …"; `undefined` when its header and cell
 * pointers are sound (https://www.sqlite.org/fileformat2.html#b_tree_pages). Does not look into the cells.
 */
export function problemOfTableRoot(page: Uint8Array, place: RootPlace): string | undefined {
  const { start, usableBytes, databaseSize = Number.POSITIVE_INFINITY } = place;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const type = view.getUint8(start);
  if (type !== TABLE_LEAF && type !== TABLE_INTERIOR)
    return `is not the root of a table, but a page of type ${type}`;
  const freeblock = view.getUint16(start + 1);
  const cells = view.getUint16(start + 3);
  // 0 stands for 65536, which no page of this size has.
  const content = view.getUint16(start + 5) || 65_536;
  const pointers = start + (type === TABLE_LEAF ? 8 : 12);
  const isCell = (offset: number): boolean => offset >= content && offset <= usableBytes - SMALLEST_CELL;
  if (cells > MAX_CELLS || pointers + 2 * cells > content || content > usableBytes)
    return `has ${cells} cells and content from byte ${content} on, which does not fit into it`;
  if (freeblock !== 0 && !isCell(freeblock))
    return `has free space at byte ${freeblock}, outside its content`;
  for (let at = pointers; at < pointers + 2 * cells; at += 2) {
    if (!isCell(view.getUint16(at))) return `has a cell at byte ${view.getUint16(at)}, outside its content`;
  }
  if (type === TABLE_LEAF) return undefined;
  const child = view.getUint32(start + 8);
  return child < 2 || child > databaseSize ? `leads to a page ${child}, which is not there` : undefined;
}
