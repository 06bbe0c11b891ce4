import { imageWidth, type TableShape } from "../capture/table-shape.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { ByteReader } from "./byte-reader.js";
import { readShape, shapeId } from "./byte-shape.js";
import type { ChangeGroup, StreamChange } from "./change-package.js";
import { damagedPackage } from "./damaged-package.js";
import { OPERATION } from "./group-writer.js";
import { readRow, readValue } from "./value-codec.js";

/** Reads what `GroupWriter` writes. */
export class GroupReader {
  readonly #reader: ByteReader;
  readonly #sites: string[];
  readonly #siteNames: Set<string>;
  readonly #shapes: TableShape[] = [];
  readonly #shapeIds: Set<string> = new Set();

  constructor(reader: ByteReader, site: string) {
    this.#reader = reader;
    this.#sites = [site];
    this.#siteNames = new Set(this.#sites);
  }

  readAll(): ChangeGroup[] {
    const groups: ChangeGroup[] = [];
    for (let count = this.#reader.count(2); count > 0; count--) groups.push(this.#group());
    return groups;
  }

  #group(): ChangeGroup {
    const reader = this.#reader;
    const head = reader.varint();
    const isWithheld = head % 2 === 1;
    const origin = this.#site(Math.floor(head / 2));
    const originCursor = reader.varint();
    const changes: StreamChange[] = [];
    if (!isWithheld) {
      for (let count = reader.count(1); count > 0; count--) changes.push(this.#change());
    }
    return { origin, originCursor, isWithheld, changes };
  }

  #site(index: number): string {
    const known = this.#sites[index];
    if (known !== undefined) return known;
    if (index > this.#sites.length) throw damagedPackage(`names a site ${index} that it does not tell of`);
    const site = this.#reader.text();
    if (this.#siteNames.has(site)) throw damagedPackage("tells of a site twice");
    this.#sites.push(site);
    this.#siteNames.add(site);
    return site;
  }

  #change(): StreamChange {
    const head = this.#reader.varint();
    const operation = head % 4;
    if (operation === OPERATION.schema) {
      if (head !== OPERATION.schema) throw damagedPackage("has a schema change of a table");
      return { type: "schema", sql: this.#reader.text() };
    }
    const shape = this.#shape(Math.floor(head / 4));
    const row = readRow(this.#reader, imageWidth(shape));
    if (operation === OPERATION.insert) return { type: "insert", shape, after: row };
    if (operation === OPERATION.delete) return { type: "delete", shape, before: row };
    return { type: "update", shape, before: row, after: this.#after(row) };
  }

  #shape(index: number): TableShape {
    const known = this.#shapes[index];
    if (known !== undefined) return known;
    if (index > this.#shapes.length) throw damagedPackage(`names a table ${index} that it does not tell of`);
    const shape = readShape(this.#reader);
    const id = shapeId(shape);
    if (this.#shapeIds.has(id)) throw damagedPackage("tells of a table twice");
    this.#shapeIds.add(id);
    this.#shapes.push(shape);
    return shape;
  }

  #after(before: SqlRow): SqlRow {
    const reader = this.#reader;
    const after: SqlValue[] = [...before];
    const bits: number[] = [];
    for (let start = 0; start < after.length; start += 8) bits.push(reader.byte());
    const past = after.length % 8;
    if (past !== 0 && (bits.at(-1) as number) >>> past !== 0)
      throw damagedPackage("changes a column that is not there");
    for (let index = 0; index < after.length; index++) {
      if ((((bits[index >>> 3] as number) >>> (index & 7)) & 1) === 0) continue;
      const value = readValue(reader);
      if (sameValue(after[index] as SqlValue, value))
        throw damagedPackage("changes a column to what it was before");
      after[index] = value;
    }
    return after;
  }
}
