import type { ShapeKey, TableShape } from "../capture/table-shape.js";
import { SyncError } from "../errors/sync-error.js";
import type { ByteReader } from "./byte-reader.js";
import type { ByteWriter } from "./byte-writer.js";
import { damagedPackage } from "./damaged-package.js";

const KEY = { rowid: 0, columns: 1, nullableColumns: 2 } as const;

/** Equal for shapes that are the same, whichever objects they are. */
export function shapeId({ table, columns, key }: TableShape): string {
  return JSON.stringify([table, columns, key.type === "rowid" ? key.alias : [key.columns, key.nullable]]);
}

/** Why no table has that shape; `undefined` if one may. */
export function problemOfShape({ columns, key }: TableShape): string | undefined {
  const names = new Set(columns);
  if (names.size !== columns.length) return "names a column of a table twice";
  if (key.type === "rowid")
    return names.has(key.alias) ? "has a column of a table where its rowid is" : undefined;
  if (key.columns.length === 0) return "has an empty key of a table";
  if (new Set(key.columns).size !== key.columns.length) return "names a key column of a table twice";
  return key.columns.every((name) => names.has(name)) ? undefined : "has a key of a table that is no column";
}

/** Writes the shape of a table. */
export function writeShape(writer: ByteWriter, shape: TableShape): void {
  const problem = problemOfShape(shape);
  if (problem !== undefined) throw new SyncError("internal", `A package to be encoded ${problem}.`);
  const { table, columns, key } = shape;
  writer.text(table);
  writer.varint(columns.length);
  for (const name of columns) writer.text(name);
  if (key.type === "rowid") {
    writer.byte(KEY.rowid);
    writer.text(key.alias);
    return;
  }
  writer.byte(key.nullable ? KEY.nullableColumns : KEY.columns);
  writer.varint(key.columns.length);
  const indexes = new Map(columns.map((name, index) => [name, index]));
  for (const name of key.columns) writer.varint(indexes.get(name) as number);
}

/** Reads the shape of a table. */
export function readShape(reader: ByteReader): TableShape {
  const table = reader.text();
  const columns: string[] = [];
  for (let count = reader.count(1); count > 0; count--) columns.push(reader.text());
  const shape = { table, columns, key: readKey(reader, columns) };
  const problem = problemOfShape(shape);
  if (problem !== undefined) throw damagedPackage(problem);
  return shape;
}

function readKey(reader: ByteReader, columns: readonly string[]): ShapeKey {
  const kind = reader.byte();
  if (kind === KEY.rowid) return { type: "rowid", alias: reader.text() };
  if (kind !== KEY.columns && kind !== KEY.nullableColumns)
    throw damagedPackage(`has a key of the unknown kind ${kind}`);
  const names: string[] = [];
  for (let count = reader.count(1); count > 0; count--) {
    const name = columns[reader.varint()];
    if (name === undefined) throw damagedPackage("has a key of a column that is not there");
    names.push(name);
  }
  return { type: "columns", columns: names, nullable: kind === KEY.nullableColumns };
}
