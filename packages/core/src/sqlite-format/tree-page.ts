import { DATABASE_HEADER_SIZE } from "./database-header.js";
import { PageDamage } from "./page-source.js";

/** Types of b-tree pages (https://www.sqlite.org/fileformat2.html#b_tree_pages). */
const TYPE = { indexInterior: 2, tableInterior: 5, indexLeaf: 10, tableLeaf: 13 } as const;
const LONGEST_VARINT = 9;

/** Where the payload of a cell is. */
export interface CellPayload {
  /** Bytes in all. */
  readonly length: number;
  /** The part that lies in the page itself. */
  readonly local: Uint8Array;
  /** First page of the rest; 0: there is none. */
  readonly overflow: number;
}

/** A page of a b-tree. Every offset is held against the page before it is followed; what does not fit is `PageDamage`. */
export class TreePage {
  readonly isLeaf: boolean;
  readonly isTable: boolean;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #usable: number;
  readonly #header: number;
  /** How many cells it has. */
  readonly cellCount: number;

  constructor(bytes: Uint8Array, pageNumber: number, usable: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#usable = usable;
    this.#header = pageNumber === 1 ? DATABASE_HEADER_SIZE : 0;
    const type = this.#view.getUint8(this.#header);
    this.isLeaf = type === TYPE.tableLeaf || type === TYPE.indexLeaf;
    this.isTable = type === TYPE.tableLeaf || type === TYPE.tableInterior;
    if (!this.isLeaf && type !== TYPE.tableInterior && type !== TYPE.indexInterior)
      throw new PageDamage(`page ${pageNumber} of type ${type}`);
    this.cellCount = this.#view.getUint16(this.#header + 3);
    if (this.#pointers + 2 * this.cellCount > usable) throw new PageDamage(`${this.cellCount} cells`);
  }

  /** Page numbers of the pages below an interior page, from left to right. */
  children(): Uint32Array {
    const children = new Uint32Array(this.cellCount + 1);
    for (let index = 0; index < this.cellCount; index++)
      children[index] = this.#view.getUint32(this.#cell(index, 4));
    children[this.cellCount] = this.#view.getUint32(this.#header + 8);
    return children;
  }

  /** Payloads of the cells; those of a table's interior page have none. */
  *payloads(): Generator<CellPayload, void> {
    if (this.isTable && !this.isLeaf) return;
    for (let index = 0; index < this.cellCount; index++) yield this.payloadAt(index);
  }

  /** The key of a cell of a table's leaf. */
  rowidAt(index: number): bigint {
    return signedVarintAt(this.#bytes, varintEnd(this.#bytes, this.#cell(index, 1)));
  }

  get #pointers(): number {
    return this.#header + (this.isLeaf ? 8 : 12);
  }

  /** Where a cell begins, of which at least `length` bytes are needed. */
  #cell(index: number, length: number): number {
    const at = this.#view.getUint16(this.#pointers + 2 * index);
    if (at + length > this.#usable) throw new PageDamage(`a cell at byte ${at}`);
    return at;
  }

  /** The payload of a cell that has one. */
  payloadAt(index: number): CellPayload {
    const start = this.#cell(index, 1) + (this.isLeaf ? 0 : 4);
    const length = varintAt(this.#bytes, start);
    let at = varintEnd(this.#bytes, start);
    if (this.isTable) at = varintEnd(this.#bytes, at);
    const localLength = this.#localLength(length);
    const end = at + localLength;
    if (end + (localLength < length ? 4 : 0) > this.#usable)
      throw new PageDamage(`a cell of ${length} bytes`);
    const overflow = localLength < length ? this.#view.getUint32(end) : 0;
    return { length, local: this.#bytes.subarray(at, end), overflow };
  }

  #localLength(length: number): number {
    const usable = this.#usable;
    const most = this.isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
    if (length <= most) return length;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((length - least) % (usable - 4));
    return wanted <= most ? wanted : least;
  }
}

/** A number of SQLite's, seven bits a byte, the highest first; beyond 2^53 it is only about right. */
export function varintAt(bytes: Uint8Array, at: number): number {
  const first = byteAt(bytes, at);
  if (first < 0x80) return first;
  let value = 0;
  for (let index = at; index < at + LONGEST_VARINT; index++) {
    const byte = byteAt(bytes, index);
    if (index === at + LONGEST_VARINT - 1) return value * 256 + byte;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) break;
  }
  return value;
}

/** The same as a signed integer of 64 bits, exactly. */
function signedVarintAt(bytes: Uint8Array, at: number): bigint {
  // Eight bytes hold 56 bits; from six on, numbers can be too large to be exact.
  const value = varintAt(bytes, at);
  if (value <= Number.MAX_SAFE_INTEGER) return BigInt(value);
  let exact = 0n;
  const end = varintEnd(bytes, at);
  for (let index = at; index < end; index++) {
    const byte = byteAt(bytes, index);
    exact =
      index === at + LONGEST_VARINT - 1 ? (exact << 8n) | BigInt(byte) : (exact << 7n) | BigInt(byte & 0x7f);
  }
  return BigInt.asIntN(64, exact);
}

/** Where the number that begins at `at` ends. */
export function varintEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (byteAt(bytes, end++) >= 0x80 && end < at + LONGEST_VARINT);
  return end;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new PageDamage("a number cut off");
  return byte;
}
