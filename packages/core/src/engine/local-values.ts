import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { lastChangeId } from "../tape/read-tape.js";
import type { TapePosition } from "../tape/tape-position.js";
import { LOCAL_TABLE, LOCAL_VALUE, PUSH_POSITION_TABLE } from "../tape/tape-schema.js";
import type { SqlStatement, SqlValue } from "../values/sql-value.js";

/**
 * Runs queries of the writer on one state of the database. Each by itself would begin and end a read of its own, which
 * takes longer than most of them do.
 */
export function* onOneState<T>(queries: Coroutine<T>): Coroutine<T> {
  yield* io.executeSql("writer", "BEGIN");
  try {
    return yield* queries;
  } finally {
    yield* io.executeSql("writer", "ROLLBACK");
  }
}

/** A value of `tributary_local`; `null` when it is not set or the table is not there. */
export function* readLocalValue(name: keyof typeof LOCAL_VALUE): Coroutine<SqlValue> {
  if (!(yield* hasTable(LOCAL_TABLE))) return null;
  const rows = yield* io.querySql("writer", `SELECT value FROM main.${LOCAL_TABLE} WHERE name = ?`, [
    LOCAL_VALUE[name],
  ]);
  return rows[0]?.[0] ?? null;
}

/** The statement that sets a value of `tributary_local`. */
export function setLocalValue(name: keyof typeof LOCAL_VALUE, value: SqlValue): SqlStatement {
  return setNamedValue(LOCAL_VALUE[name], value);
}

/** As `setLocalValue`, for a value that is not the tape's own. */
export function setNamedValue(name: string, value: SqlValue): SqlStatement {
  return {
    sql: `INSERT INTO main.${LOCAL_TABLE} (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    params: [name, value],
  };
}

/** The end of the tape; `undefined` when there is none. */
export function* readTapeEnd(): Coroutine<TapePosition | undefined> {
  const pullGeneration = yield* readLocalValue("pullGeneration");
  return pullGeneration === null
    ? undefined
    : { pullGeneration: Number(pullGeneration), changeId: yield* lastChangeId() };
}

/** How far this client has pushed, in the database as it is now locally; `undefined` when it never did. */
export function* readPulledPosition(clientId: string): Coroutine<TapePosition | undefined> {
  if (!(yield* hasTable(PUSH_POSITION_TABLE))) return undefined;
  const sql = `SELECT pull_gen, change_id FROM main.${PUSH_POSITION_TABLE} WHERE client_id = ?`;
  const [row] = yield* io.querySql("writer", sql, [clientId]);
  return row === undefined ? undefined : { pullGeneration: Number(row[0]), changeId: Number(row[1]) };
}

/** Whether the local database has a table of this name. */
export function* hasTable(name: string): Coroutine<boolean> {
  const sql = "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?";
  return (yield* io.querySql("writer", sql, [name])).length > 0;
}
