import { imageWidth, type TableShape } from "../capture/table-shape.js";
import { SyncError } from "../errors/sync-error.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import { shapeId, writeShape } from "./byte-shape.js";
import type { ByteWriter } from "./byte-writer.js";
import type { ChangeGroup, StreamChange } from "./change-package.js";
import { isPosition } from "./package-problem.js";
import { writeValue } from "./value-codec.js";

/** Kinds of changes, as the lowest two bits of their first number; the others count the shapes. */
export const OPERATION = { insert: 0, update: 1, delete: 2, schema: 3 } as const;

/** Writes groups of changes, and each site and each table's shape where it is first named. */
export class GroupWriter {
  readonly #writer: ByteWriter;
  readonly #sites: Map<string, number>;
  readonly #indexes: Map<TableShape, number> = new Map();
  readonly #indexesById: Map<string, number> = new Map();

  constructor(writer: ByteWriter, site: string) {
    this.#writer = writer;
    this.#sites = new Map([[site, 0]]);
  }

  write(group: ChangeGroup): void {
    const writer = this.#writer;
    const known = this.#sites.get(group.origin);
    const index = known ?? this.#sites.size;
    writer.varint(index * 2 + (group.isWithheld ? 1 : 0));
    if (known === undefined) {
      this.#sites.set(group.origin, index);
      writer.text(group.origin);
    }
    if (!isPosition(group.originCursor)) throw unfit(`has the origin's cursor ${group.originCursor}`);
    writer.varint(group.originCursor);
    if (group.isWithheld) {
      if (group.changes.length > 0) throw unfit("has changes in a group that was left out");
      return;
    }
    writer.varint(group.changes.length);
    for (const change of group.changes) this.#change(change);
  }

  #change(change: StreamChange): void {
    if (change.type === "schema") {
      this.#writer.byte(OPERATION.schema);
      this.#writer.text(change.sql);
      return;
    }
    this.#head(change.shape, OPERATION[change.type]);
    const width = imageWidth(change.shape);
    if (change.type === "insert") this.#row(change.after, width);
    else this.#row(change.before, width);
    if (change.type === "update") this.#changedValues(change.before, change.after, width);
  }

  #head(shape: TableShape, operation: number): void {
    let index = this.#indexes.get(shape);
    if (index === undefined) {
      const id = shapeId(shape);
      const count = this.#indexesById.size;
      index = this.#indexesById.get(id) ?? count;
      this.#indexes.set(shape, index);
      this.#indexesById.set(id, index);
      this.#writer.varint(index * 4 + operation);
      if (index === count) writeShape(this.#writer, shape);
    } else this.#writer.varint(index * 4 + operation);
  }

  #row(row: SqlRow, width: number): void {
    if (row.length !== width) throw unfit(`has a row of ${row.length} values where the table has ${width}`);
    for (const value of row) this.#value(value);
  }

  /** One bit for each value of the row, lowest first, then the values that are others now. */
  #changedValues(before: SqlRow, after: SqlRow, width: number): void {
    if (after.length !== width)
      throw unfit(`has a row of ${after.length} values where the table has ${width}`);
    const changed: SqlValue[] = [];
    for (let start = 0; start < width; start += 8) {
      let bits = 0;
      for (let index = start; index < Math.min(start + 8, width); index++) {
        const value = after[index] as SqlValue;
        if (sameValue(before[index] as SqlValue, value)) continue;
        bits |= 1 << (index - start);
        changed.push(value);
      }
      this.#writer.byte(bits);
    }
    for (const value of changed) this.#value(value);
  }

  #value(value: SqlValue): void {
    if (Number.isNaN(value)) throw unfit("has a real that is no number");
    writeValue(this.#writer, value);
  }
}

/** The error for a package that cannot be encoded. `what` goes on from "A package to be encoded". */
export function unfit(what: string): SyncError {
  return new SyncError("internal", `A package to be encoded ${what}.`);
}
