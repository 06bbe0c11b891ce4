import type { SyncError } from "@tributary/core";
import { openStreamDatabase, type StreamDatabase } from "./stream-database.js";

/** A table to stream. */
export const ITEM_SCHEMA = "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, value)";

/** Two databases with the same tables. */
export function pair(schema: string = ITEM_SCHEMA): { a: StreamDatabase; b: StreamDatabase } {
  return { a: openStreamDatabase({ name: "a", schema }), b: openStreamDatabase({ name: "b", schema }) };
}

/** All rows of the table. */
export function items({ rows }: StreamDatabase): unknown[][] {
  return rows("SELECT * FROM item ORDER BY id");
}

/** Adds a row to the table, in a transaction of its own unless there is one. */
export function insert({ db }: StreamDatabase, id: number, name: string = `item ${id}`): void {
  db.prepare("INSERT INTO item (id, name) VALUES (?, ?)").run(id, name);
}

/** What some work throws; `undefined`: nothing. */
export function errorOf(work: () => unknown): SyncError | undefined {
  try {
    work();
  } catch (error) {
    return error as SyncError;
  }
  return undefined;
}

/** The code of what some work throws. */
export function codeOf(work: () => unknown): string | undefined {
  return errorOf(work)?.code;
}
