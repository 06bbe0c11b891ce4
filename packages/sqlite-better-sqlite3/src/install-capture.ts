import {
  createNotedSql,
  createTapeSql,
  foldName,
  imageWidth,
  LEAST_TAPE_VALUES,
  LOCAL_TABLE,
  markTrigger,
  mayDisplace,
  NOTED_FIXED_COLUMNS,
  NOTED_TABLE,
  quoteIdentifier,
  RESERVED_PREFIX,
  readSchemaRows,
  readTableShapes,
  refusalTriggers,
  SCHEMA_SQL,
  type SchemaRow,
  SHAPE_TABLE,
  STREAM_VALUE,
  TABLE_COLUMNS_SQL,
  TAPE_FIXED_COLUMNS,
  TAPE_TABLE,
  type TableShapes,
  triggerEffects,
  UNIQUE_INDEXES_SQL,
  unmarkTrigger,
} from "@tributary/core";
import type Database from "better-sqlite3";
import { atomically, nativeExec, nativePrepare, nativeRows, nativeValue } from "./native-connection.js";
import { type StoredTrigger, storedTriggers, type TriggerTexts } from "./trigger-texts.js";

/**
 * Makes the capture of one connection fit the schema of its database.
 *
 * All that it has made is in the database itself (TEMP triggers, marks, shapes, and a TEMP table that says what they
 * were made for), none in memory but texts: so it is rolled back together with the schema it belongs to.
 */
export interface CaptureInstaller {
  readonly db: Database.Database;
  /** Runs work with SQLite's defensive mode off. */
  readonly undefended: (work: () => void) => void;
  readonly texts: TriggerTexts;
}

/**
 * From so many on, triggers are written into the schema at once: each `CREATE TRIGGER` looks through all that are there, and
 * a thousand tables have three thousand, or more.
 */
const MANY_TRIGGERS = 100;

const BUILT_TABLE = `${RESERVED_PREFIX}built`;
const COUNTED_TABLE = `${RESERVED_PREFIX}counted`;
const CREATE_BUILT = `CREATE TEMP TABLE IF NOT EXISTS ${BUILT_TABLE} (fingerprint TEXT, displaces INTEGER)`;

/** Whether the capture looks out for rows that are displaced because a statement may displace some, as 1. */
export const DISPLACES_SQL: string = `SELECT displaces FROM temp.${BUILT_TABLE}`;

/** Does nothing when the schema, the shapes and the tape are those that the capture was made for. */
export function installCapture(installer: CaptureInstaller): void {
  const { db } = installer;
  nativeExec(db, CREATE_BUILT);
  const built = nativeValue(db, `SELECT fingerprint FROM temp.${BUILT_TABLE}`);
  if (built !== undefined && built === fingerprintOf(db)) return;
  atomically(db, () => rebuildCapture(installer));
}

/** Makes a capture that was installed look out for rows that are displaced, from now on. */
export function lookOutForDisplaced(installer: CaptureInstaller): void {
  const { db } = installer;
  atomically(db, () => {
    const changes = nativeValue(db, "SELECT changes()");
    rebuildCapture(installer, true);
    // The statement that it is made for may ask for `changes()`. Nothing sets it but a statement that changes as many rows.
    // The table stays, empty: an iterator that is open in unsafe mode would keep it from being dropped.
    nativeExec(
      db,
      `CREATE TEMP TABLE ${COUNTED_TABLE} AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n LIMIT ${changes}) SELECT i FROM n;
DELETE FROM temp.${COUNTED_TABLE}`,
    );
  });
}

/** Reads `main`'s schema. */
export function readSchema(db: Database.Database): SchemaRow[] {
  return readSchemaRows(nativeRows(db, SCHEMA_SQL));
}

/** Reads the shapes of `main`'s tables. */
function readShapes(db: Database.Database): TableShapes {
  return readTableShapes(nativeRows(db, TABLE_COLUMNS_SQL), nativeRows(db, UNIQUE_INDEXES_SQL));
}

/**
 * Must run inside a transaction. Touches only what differs, and leaves `last_insert_rowid()` as it is. Returns the shapes of
 * the tables.
 *
 * @param demanded Whether to look out for rows that are displaced whatever the schema has. Default: as before.
 */
export function rebuildCapture(installer: CaptureInstaller, demanded?: boolean): TableShapes {
  const { db, texts } = installer;
  const lastRowid = nativeValue(db, "SELECT last_insert_rowid()");
  let schema = readSchema(db);
  if (!schema.some((row) => row.name === TAPE_TABLE)) nativeExec(db, createTapeSql());
  const shapes = readShapes(db);
  const width = Math.max(0, ...shapes.captured.map((table) => imageWidth(table.shape))) * 2;
  widenTape(db, width);
  const effects = triggerEffects(
    schema,
    new Set(shapes.captured.map((table) => foldName(table.shape.table))),
  );
  if (markTriggers(db, schema, effects.marked)) schema = readSchema(db);
  nativeExec(db, CREATE_BUILT);
  const isDemanded = demanded ?? nativeValue(db, DISPLACES_SQL) === 1n;
  const displaces = isDemanded || schema.some(({ sql }) => sql !== null && mayDisplace(sql));
  const takenBack = isTakenBack(db);
  const idOf = shapeIds(db);
  const wanted = texts.of(
    shapes.captured.map((table) => ({
      table,
      shapeId: idOf(JSON.stringify(table.shape)),
      options: {
        suppressible: effects.suppressible.has(foldName(table.shape.table)),
        takenBack,
        displaces,
      },
    })),
  );
  for (const table of shapes.refused) wanted.push(...storedTriggers(table.table, refusalTriggers(table)));
  replaceTriggers(installer, schema, wanted);
  nativeExec(db, `DELETE FROM temp.${BUILT_TABLE}`);
  nativePrepare(db, `INSERT INTO temp.${BUILT_TABLE} (rowid, fingerprint, displaces) VALUES (?, ?, ?)`).run(
    lastRowid,
    fingerprintOf(db),
    isDemanded ? 1 : 0,
  );
  return shapes;
}

/** Gives the ids of shapes, made where they are new. */
export function shapeIds(db: Database.Database): (description: string) => number {
  const rows = nativeRows(db, `SELECT description, id FROM main.${SHAPE_TABLE}`);
  const known = new Map(rows.map(([description, id]) => [String(description), Number(id)]));
  return (description) => {
    let id = known.get(description);
    if (id === undefined) {
      const insert = `INSERT INTO main.${SHAPE_TABLE} (description) VALUES (?)`;
      id = Number(nativePrepare(db, insert).run(description).lastInsertRowid);
      known.set(description, id);
    }
    return id;
  };
}

/** Drops the capture triggers of one table: one that names a column keeps it from being dropped. */
export function dropCaptureTriggers(db: Database.Database, table: string): void {
  for (const row of installedTriggers(db)) {
    if (foldName(row.table) === foldName(table)) dropTrigger(db, row.name);
  }
}

function fingerprintOf(db: Database.Database): string {
  const schema = nativeRows(db, SCHEMA_SQL);
  if (!schema.some((row) => row[1] === SHAPE_TABLE)) return "";
  const shapes = nativeRows(db, `SELECT id, description FROM main.${SHAPE_TABLE} ORDER BY id`);
  return JSON.stringify([schema, shapes.map((row) => [String(row[0]), row[1]]), isTakenBack(db)]);
}

/** Whether changes are taken back from the tape: those of a spoke, before what its hub sends. */
function isTakenBack(db: Database.Database): boolean {
  const sql = `SELECT 1 FROM main.${LOCAL_TABLE} WHERE name = '${STREAM_VALUE.rebaseFrom}'`;
  return nativeValue(db, sql) !== undefined;
}

function widenTape(db: Database.Database, values: number): void {
  const columns = Number(nativeValue(db, `SELECT count(*) FROM pragma_table_xinfo('${TAPE_TABLE}', 'main')`));
  for (let index = columns - TAPE_FIXED_COLUMNS.length; index < values; index++) {
    nativeExec(db, `ALTER TABLE main.${TAPE_TABLE} ADD COLUMN v${index}`);
  }
  const noted = Number(nativeValue(db, `SELECT count(*) FROM pragma_table_xinfo('${NOTED_TABLE}', 'temp')`));
  if (noted - NOTED_FIXED_COLUMNS.length >= values && noted > 0) return;
  // Notes live no longer than a statement.
  nativeExec(
    db,
    `DROP TABLE IF EXISTS temp.${NOTED_TABLE}; ${createNotedSql(Math.max(values, LEAST_TAPE_VALUES))}`,
  );
}

/**
 * Makes the triggers of the schema marked or unmarked as wanted; says whether it changed any. All of a table's triggers
 * are made anew then, in their old order, because the order they fire in depends on it.
 */
function markTriggers(
  db: Database.Database,
  schema: readonly SchemaRow[],
  marked: ReadonlySet<string>,
): boolean {
  const byTable = new Map<string, { name: string; sql: string; wanted: string }[]>();
  for (const { type, name, table, sql } of schema) {
    if (type !== "trigger" || sql === null) continue;
    const wanted = marked.has(foldName(name)) ? markTrigger(sql) : unmarkTrigger(sql);
    const group = byTable.get(table) ?? [];
    group.push({ name, sql, wanted });
    byTable.set(table, group);
  }
  let changed = false;
  for (const triggers of byTable.values()) {
    if (triggers.every((trigger) => trigger.sql === trigger.wanted)) continue;
    for (const { name } of triggers) nativeExec(db, `DROP TRIGGER main.${quoteIdentifier(name)}`);
    // A TEMP table of the same name would attract a trigger whose name has no schema in front.
    for (const { wanted } of triggers)
      nativeExec(db, wanted.replace(/^CREATE TRIGGER (?!IF NOT )/, "CREATE TRIGGER main."));
    changed = true;
  }
  return changed;
}

function installedTriggers(db: Database.Database): StoredTrigger[] {
  const rows = nativeRows(db, "SELECT name, tbl_name, sql FROM temp.sqlite_schema WHERE type = 'trigger'");
  return rows
    .map((row) => ({ name: String(row[0]), table: String(row[1]), sql: String(row[2]) }))
    .filter((row) => row.name.startsWith(RESERVED_PREFIX));
}

function dropTrigger(db: Database.Database, name: string): void {
  nativeExec(db, `DROP TRIGGER IF EXISTS temp.${quoteIdentifier(name)}`);
}

function replaceTriggers(
  installer: CaptureInstaller,
  schema: readonly SchemaRow[],
  wanted: readonly StoredTrigger[],
): void {
  const { db } = installer;
  const tables = new Set(schema.filter((row) => row.type === "table").map((row) => foldName(row.name)));
  let installed = installedTriggers(db);
  if (installed.some((row) => !tables.has(foldName(row.table)))) {
    removeOrphans(installer);
    installed = installedTriggers(db);
  }
  const sqlOf = new Map(wanted.map(({ name, sql }) => [name, sql]));
  const kept = new Set<string>();
  for (const { name, sql } of installed) {
    if (sqlOf.get(name) === sql) kept.add(name);
    else dropTrigger(db, name);
  }
  const missing = wanted.filter(({ name }) => !kept.has(name));
  if (missing.length < MANY_TRIGGERS) {
    for (const { sql } of missing) nativeExec(db, sql.replace(/^CREATE /, "CREATE TEMP "));
  } else {
    writeTriggers(installer, missing);
  }
}

/** Puts triggers where `CREATE TRIGGER` would, with one reading of the schema for all. */
function writeTriggers({ db, undefended }: CaptureInstaller, triggers: readonly StoredTrigger[]): void {
  undefended(() => {
    nativeExec(db, "PRAGMA writable_schema = ON");
    try {
      const insert = nativePrepare(
        db,
        "INSERT INTO temp.sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('trigger', ?, ?, 0, ?)",
      );
      for (const { name, table, sql } of triggers) insert.run(name, table, sql);
    } finally {
      nativeExec(db, "PRAGMA writable_schema = RESET");
    }
    // In this order. A new number makes SQLite compile the statements again that it has, and read the schema again after
    // a rollback, which a RESET that came later would make it forget.
    const version = Number(nativeValue(db, "PRAGMA temp.schema_version"));
    nativeExec(db, `PRAGMA temp.schema_version = ${version + 1}`);
  });
}

/**
 * Removes capture triggers of tables that a pull has dropped. SQLite has forgotten them when it read the schema anew,
 * so that DROP TRIGGER does not find them, but their rows remain and would break the schema if the table came back.
 */
function removeOrphans({ db, undefended }: CaptureInstaller): void {
  undefended(() => {
    nativeExec(db, "PRAGMA writable_schema = ON");
    try {
      nativeExec(
        db,
        `DELETE FROM temp.sqlite_schema WHERE type = 'trigger' AND substr(name, 1, ${RESERVED_PREFIX.length}) = '${RESERVED_PREFIX}'
AND lower(tbl_name) NOT IN (SELECT lower(name) FROM main.sqlite_schema WHERE type = 'table')`,
      );
    } finally {
      nativeExec(db, "PRAGMA writable_schema = OFF");
    }
  });
}
