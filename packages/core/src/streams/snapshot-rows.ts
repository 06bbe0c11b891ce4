import { readTableShapes, TABLE_COLUMNS_SQL, UNIQUE_INDEXES_SQL } from "../capture/read-table-shapes.js";
import { foldName } from "../capture/schema-row.js";
import { imageColumns } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { runOrFail } from "../engine/run-or-fail.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import { lastChangeId } from "../tape/read-tape.js";
import { TAPE_TABLE } from "../tape/tape-schema.js";
import type { SqlStatement, SqlValue } from "../values/sql-value.js";
import type { StreamChange } from "./change-package.js";
import type { ChangeRunner } from "./change-runner.js";
import { STREAM_TABLES } from "./stream-schema.js";

type Insert = Extract<StreamChange, { readonly type: "insert" }>;

/** Puts the rows of a snapshot into tables that may have rows already. */
export class SnapshotRows {
  readonly #runner: ChangeRunner;
  readonly #wasEmpty: Map<string, boolean> = new Map();

  constructor(runner: ChangeRunner) {
    this.#runner = runner;
  }

  /** Rows with a key overwrite what is there; one without comes in unless the very same one is there already. */
  *insert(change: Insert): Coroutine<void> {
    const { shape, after } = change;
    const names = imageColumns(shape);
    const key = shape.key.type === "columns" ? shape.key.columns : [];
    const isKeyed = key.length > 0 && key.every((name) => after[names.indexOf(name)] !== null);
    if (isKeyed || (yield* this.#isEmpty(shape.table))) yield* this.#runner.change(change);
    else
      yield* this.#runner.statement(
        insertIfMissing(change, yield* this.#runner.tables.columnsFor(shape)),
        change,
      );
  }

  *#isEmpty(table: string): Coroutine<boolean> {
    const known = this.#wasEmpty.get(table);
    if (known !== undefined) return known;
    yield* this.#runner.flush();
    // The table itself may be missing here; the change says so.
    const found = yield* io.querySql("writer", "SELECT 1 FROM main.sqlite_schema WHERE name = ?", [table]);
    const sql = `SELECT 1 FROM main.${quoteIdentifier(table)} LIMIT 1`;
    const isEmpty = found.length === 0 || (yield* io.querySql("writer", sql)).length === 0;
    this.#wasEmpty.set(table, isEmpty);
    return isEmpty;
  }
}

/** As the statement of an insert is, where the row is not here with all its values. */
function insertIfMissing({ shape, after }: Insert, columns: ReadonlySet<string>): SqlStatement {
  const table = `main.${quoteIdentifier(shape.table)}`;
  const alias = shape.key.type === "rowid" ? shape.key.alias : undefined;
  const known = imageColumns(shape).flatMap((name, index) =>
    name === alias || columns.has(foldName(name))
      ? [{ name: quoteIdentifier(name), value: after[index] as SqlValue }]
      : [],
  );
  const values = known.map(({ name }, index) =>
    alias !== undefined && index === 0
      ? `(SELECT CASE count(*) WHEN 0 THEN ? END FROM ${table} WHERE ${name} = ?)`
      : "?",
  );
  const same = known.map(({ name }) => `${name} IS ?`).join(" AND ");
  const image = known.map(({ value }) => value);
  return {
    sql: `INSERT INTO ${table} (${known.map(({ name }) => name).join(", ")}) SELECT ${values.join(", ")} WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE ${same})`,
    params: [...(alias === undefined ? [] : image.slice(0, 1)), ...image, ...image],
  };
}

/**
 * Deletes all rows of the app's tables, those that refer to others first, and what a rebase has kept to take back. For a
 * spoke, which takes all of them from its hub: that they were deleted is not recorded.
 */
export function* emptyTables(runner: ChangeRunner): Coroutine<void> {
  const mark = yield* lastChangeId();
  const columns = yield* io.querySql("writer", TABLE_COLUMNS_SQL);
  const { captured } = readTableShapes(columns, yield* io.querySql("writer", UNIQUE_INDEXES_SQL));
  const order = yield* io.querySql(
    "writer",
    "SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY rowid DESC",
  );
  const names = new Set(captured.map(({ shape }) => shape.table));
  for (const [name] of order) {
    if (!names.has(String(name))) continue;
    yield* runner.statement({ sql: `DELETE FROM main.${quoteIdentifier(String(name))}`, params: [] });
  }
  yield* runner.flush();
  yield* runOrFail([
    { sql: `DELETE FROM main.${TAPE_TABLE} WHERE id > ?`, params: [BigInt(mark)] },
    { sql: `DELETE FROM main.${STREAM_TABLES.undo}`, params: [] },
  ]);
}

/** Makes the full-text indexes over tables of a snapshot anew: the triggers that keep them came after the rows. */
export function* rebuildTextIndexes(): Coroutine<void> {
  const sql =
    "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'";
  const rows = yield* io.querySql("writer", sql);
  const indexes = rows.filter(([, text]) =>
    /\bUSING\s+fts[45]\b[\s\S]*\bcontent\s*=\s*["'`[]?\w/i.test(String(text)),
  );
  yield* runOrFail(
    indexes.map(([name]) => {
      const table = quoteIdentifier(String(name));
      return { sql: `INSERT INTO main.${table} (${table}) VALUES ('rebuild')`, params: [] };
    }),
  );
}
