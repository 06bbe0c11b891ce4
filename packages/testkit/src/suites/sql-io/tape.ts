import { ok } from "node:assert/strict";
import {
  createTapeSql,
  imageColumns,
  SHAPE_TABLE,
  type SqlIo,
  type SqlRow,
  type SqlValue,
  TAPE_OPERATION,
  TAPE_TABLE,
  type TableShape,
} from "@tributary/core";
import type { SqlIoContext } from "./sql-io-context.js";

/** Opens the connections to a new database with this schema, and begins to capture. */
export async function openCapturing(context: SqlIoContext, schema: string): Promise<SqlIo> {
  const { sql, path } = context;
  await sql.openConnections(path);
  await sql.executeSql("writer", `BEGIN; ${schema}; COMMIT`);
  await beginCapture(sql);
  return sql;
}

/** What the engine does after a pull: a tape, and capture on both connections. */
export async function beginCapture(sql: SqlIo): Promise<void> {
  await beginWrite(sql);
  await sql.executeSql("writer", createTapeSql());
  await sql.refreshCapture("writer");
  await sql.executeSql("writer", "COMMIT");
  await sql.refreshCapture("app");
}

/** Begins a write transaction that nobody keeps from beginning. */
export async function beginWrite(sql: SqlIo): Promise<void> {
  ok(await sql.tryBeginWrite(), "tryBeginWrite begins a transaction where nobody else writes");
}

/** One row of the tape. */
export interface TapeEntry {
  readonly id: number;
  /** `+t[1,'a']` an insert, `~t[1,'a']>[1,'b']` an update, `-t[1,'b']` a delete, `!` and SQL a schema change. */
  readonly text: string;
}

/** The tape, in order of its ids. */
export async function readTape(sql: SqlIo): Promise<readonly TapeEntry[]> {
  const shapes = new Map<bigint, TableShape>();
  for (const [id, description] of await sql.querySql(
    "writer",
    `SELECT id, description FROM ${SHAPE_TABLE}`,
  )) {
    shapes.set(id as bigint, JSON.parse(String(description)) as TableShape);
  }
  const rows = await sql.querySql("writer", `SELECT id, shape, op, parked, * FROM ${TAPE_TABLE} ORDER BY id`);
  return rows.map((row) => {
    // The columns come twice: the first four by their names.
    const [id, shape, operation] = row;
    return { id: Number(id), text: describe(Number(operation), shapes.get(shape as bigint), row.slice(8)) };
  });
}

/** The tape as texts. */
export async function tapeTexts(sql: SqlIo): Promise<readonly string[]> {
  return (await readTape(sql)).map(({ text }) => text);
}

function describe(operation: number, shape: TableShape | undefined, values: SqlRow): string {
  if (operation === TAPE_OPERATION.schema) return `!${String(values[0])}`;
  ok(shape !== undefined, "the shape of a row change is in the table of shapes");
  const width = imageColumns(shape).length;
  const first = `${shape.table}${show(values.slice(0, width))}`;
  if (operation === TAPE_OPERATION.insert) return `+${first}`;
  if (operation === TAPE_OPERATION.delete) return `-${first}`;
  return `~${first}>${show(values.slice(width, 2 * width))}`;
}

function show(values: SqlRow): string {
  return `[${values.map(literal).join(",")}]`;
}

/** A value so that types stay apart: 1 and 1.0, text and bytes. */
function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isInteger(value) ? `${value}.0` : String(value);
  return typeof value === "string" ? `'${value}'` : `x'${Buffer.from(value).toString("hex")}'`;
}
