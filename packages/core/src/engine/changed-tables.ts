import { foldName, readSchemaRows, type SchemaRow } from "../capture/schema-row.js";
import type { TableShape } from "../capture/table-shape.js";
import { triggerTargets } from "../capture/trigger-effects.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { keywordOf, nameOf, tokenizeSql } from "../sql/tokenize-sql.js";
import {
  PUSH_POSITION_TABLE,
  RESERVED_PREFIX,
  SHAPE_TABLE,
  TAPE_OPERATION,
  TAPE_TABLE,
} from "../tape/tape-schema.js";
import { tableOfSchemaChange } from "./local-only.js";

const SHAPES_SQL = `SELECT description FROM main.${SHAPE_TABLE} WHERE id IN (SELECT DISTINCT shape FROM main.${TAPE_TABLE} WHERE id > ? AND op < ${TAPE_OPERATION.schema})`;
const SCHEMA_CHANGES_SQL = `SELECT v0 FROM main.${TAPE_TABLE} WHERE id > ? AND op = ${TAPE_OPERATION.schema}`;
const OBJECTS_SQL =
  "SELECT type, name, tbl_name, CASE type WHEN 'trigger' THEN sql END FROM main.sqlite_schema WHERE type <> 'index'";

/**
 * The tables that the changes after a change id have changed, what triggers have done included. A trigger counts as if it
 * had written all that it may write: more tables than have changed, never fewer. Names as the schema has them.
 */
export function* changedTables(after: number): Coroutine<readonly string[]> {
  const params = [BigInt(after)];
  const names = new Set<string>();
  for (const [description] of yield* io.querySql("writer", SHAPES_SQL, params))
    names.add((JSON.parse(String(description)) as TableShape).table);
  for (const [sql] of yield* io.querySql("writer", SCHEMA_CHANGES_SQL, params))
    for (const name of namesOfSchemaChange(String(sql))) names.add(name);
  if (names.size === 0) return [];
  return withEffects(names, readSchemaRows(yield* io.querySql("writer", OBJECTS_SQL)));
}

/** All tables of the app: what has changed where nobody knows. */
export function* allTables(): Coroutine<readonly string[]> {
  const objects = readSchemaRows(yield* io.querySql("writer", OBJECTS_SQL));
  return objects.filter(({ type, name }) => type === "table" && isOfTheApp(name)).map(({ name }) => name);
}

/** A renamed table has changed under both names. */
function namesOfSchemaChange(sql: string): string[] {
  const table = tableOfSchemaChange(sql);
  if (table === undefined) return [];
  const tokens = tokenizeSql(sql);
  const to = tokens.findIndex((token) => keywordOf(token) === "RENAME") + 1;
  const isRenamed =
    keywordOf(tokens[0]) === "ALTER" && to > 0 && keywordOf(tokens[to]) === "TO"
      ? nameOf(tokens[to + 1])
      : undefined;
  return isRenamed === undefined ? [table] : [table, isRenamed];
}

function withEffects(changed: ReadonlySet<string>, objects: readonly SchemaRow[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { type, table, sql } of objects) {
    if (type !== "trigger" || sql === null) continue;
    const key = foldName(table);
    targets.set(key, [...(targets.get(key) ?? []), ...triggerTargets(sql)]);
  }
  const known = new Map(
    objects.filter(({ type }) => type !== "trigger").map(({ name }) => [foldName(name), name]),
  );
  const names = new Map([...changed].map((name) => [foldName(name), known.get(foldName(name)) ?? name]));
  // A Map iterates over what is added to it meanwhile, so triggers behind triggers are followed too.
  for (const key of names.keys())
    for (const target of targets.get(key) ?? [])
      if (!names.has(target)) names.set(target, known.get(target) ?? target);
  return [...names.values()].filter(isOfTheApp);
}

function isOfTheApp(name: string): boolean {
  const folded = foldName(name);
  return !(
    folded.startsWith(RESERVED_PREFIX) ||
    folded.startsWith("sqlite_") ||
    folded === PUSH_POSITION_TABLE
  );
}
