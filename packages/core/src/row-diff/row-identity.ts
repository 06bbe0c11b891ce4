import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { TableLayout } from "./table-layout.js";

/** By what rows are known that are not stored by their key. */
export interface RowIdentity {
  /** 128 bits: the same for rows that are the same. */
  readonly digest: string;
  /** Whether it is that of the key: then no two rows have it. Else it is that of all values. */
  readonly isKey: boolean;
}

/** Tells what the row of an image is known by: its key, or all of its values where it has none, or one with NULL. */
export function identityOf(image: SqlRow, { shape, key }: TableLayout): RowIdentity {
  const values = shape.key.type === "rowid" ? image.slice(1) : image;
  const isKey = key.length > 0 && key.every(({ column }) => values[column] !== null);
  const digest = new Digest();
  if (isKey) for (const { column, collation } of key) digest.addKey(values[column] as SqlValue, collation);
  else for (const value of values) digest.add(value);
  return { digest: digest.toString(), isKey };
}

const TAG = { null: 1, integer: 2, real: 3, text: 4, blob: 5 } as const;
const LARGEST_INTEGER = 2 ** 63;
const REAL = new DataView(new ArrayBuffer(8));

/** A hash of values: four lanes of 32 bits that mix with each other. Chance does not make two of them the same. */
class Digest {
  #a = 0x6c07_96d9;
  #b = 0x9e37_79b9 | 0;
  #c = 0x3c6e_f372;
  #d = 0x1b87_3593;

  /** Values that are equal for an index are the same. */
  addKey(value: SqlValue, collation: string | undefined): void {
    if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) < LARGEST_INTEGER)
      this.add(BigInt(value));
    else if (typeof value === "string") this.add(collated(value, collation));
    else this.add(value);
  }

  add(value: SqlValue): void {
    if (value === null) this.#mix(TAG.null);
    else if (typeof value === "bigint") {
      this.#mix(TAG.integer);
      this.#mix(Number(BigInt.asIntN(32, value)));
      this.#mix(Number(BigInt.asIntN(32, value >> 32n)));
    } else if (typeof value === "number") {
      this.#mix(TAG.real);
      REAL.setFloat64(0, value);
      this.#mix(REAL.getInt32(0));
      this.#mix(REAL.getInt32(4));
    } else if (typeof value === "string") {
      this.#mix(TAG.text);
      this.#mix(value.length);
      for (let index = 0; index < value.length; index++) this.#mix(value.charCodeAt(index));
    } else {
      this.#mix(TAG.blob);
      this.#mix(value.length);
      for (const byte of value) this.#mix(byte);
    }
  }

  toString(): string {
    for (let round = 0; round < 4; round++) this.#mix(round);
    return [this.#a, this.#b, this.#c, this.#d].map((lane) => (lane >>> 0).toString(36)).join(".");
  }

  #mix(word: number): void {
    this.#a = this.#b ^ Math.imul(this.#a ^ word, 597_399_067);
    this.#b = this.#c ^ Math.imul(this.#b ^ word, 2_869_860_233);
    this.#c = this.#d ^ Math.imul(this.#c ^ word, 951_274_213);
    this.#d = this.#a ^ Math.imul(this.#d ^ word, 2_716_044_179);
  }
}

function collated(text: string, collation: string | undefined): string {
  if (collation === "nocase") return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (collation !== "rtrim") return text;
  let end = text.length;
  while (text.charAt(end - 1) === " ") end--;
  return text.slice(0, end);
}
