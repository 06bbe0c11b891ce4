import { createIfMissing } from "../capture/schema-changes.js";
import { foldName, type SchemaRow } from "../capture/schema-row.js";
import type { ImageDifference, ImageSchema } from "../row-diff/image-difference.js";
import {
  alterationSql,
  findAlterations,
  type Renamed,
  type TableAlteration,
} from "../schema/table-alterations.js";
import { parseTableDefinition } from "../schema/table-definition.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import { RESERVED_PREFIX } from "../tape/tape-schema.js";

/** Statements that repeat what led from one schema to another. */
export interface SchemaSteps {
  /** To be run before the rows are changed, in this order. */
  readonly first: readonly string[];
  /** To be run after it. */
  readonly last: readonly string[];
  /** Tables whose definition was changed in a way that no ALTER TABLE can repeat: columns that they lack are added. */
  readonly unlike: readonly string[];
}

/** Whether objects that are only in the schema before, and columns, are to be dropped too. */
export type SchemaStepsMode = "all" | "additions";

/**
 * How to repeat schema changes somewhere else, where others may have made changes of their own: objects that are there
 * already stay. Tables that a virtual table keeps its content in are made and dropped with it, so they are left out.
 *
 * @param isShadow Whether a virtual table keeps its content in a table of that name.
 */
export function schemaSteps(
  difference: ImageDifference,
  mode: SchemaStepsMode,
  isShadow: (table: string) => boolean,
): SchemaSteps {
  const { before, after } = difference;
  const known = ({ rows }: ImageSchema): Map<string, SchemaRow> =>
    new Map(rows.filter((row) => isOfTheApp(row) && !isShadow(row.name)).map((row) => [keyOf(row), row]));
  const old = known(before);
  const made = known(after);
  const isAll = mode === "all";
  const alterations: string[] = [];
  for (const { from, to } of isAll ? difference.renamedTables : []) {
    const row = old.get(tableKey(from));
    if (row === undefined || !old.delete(tableKey(from))) continue;
    alterations.push(`ALTER TABLE ${quoteIdentifier(from)} RENAME TO ${quoteIdentifier(to)}`);
    // From here on it is the table that it has become, which has had another name.
    old.set(tableKey(to), row);
  }
  const drops: SchemaRow[] = [];
  const creates: SchemaRow[] = [];
  const unlike: string[] = [];
  for (const [key, row] of old) {
    const now = made.get(key);
    if (isAll && now?.sql !== row.sql && (now === undefined || row.type !== "table")) drops.push(row);
  }
  for (const [key, row] of made) {
    const was = old.get(key);
    if (was?.sql === row.sql) continue;
    if (was === undefined || (row.type !== "table" && isAll)) creates.push(row);
    else if (row.type === "table") {
      const { steps, isUnlike } = alter(was, row, isAll ? renamedColumns(difference, row.name) : []);
      const wanted = steps.filter(({ type }) => isAll || type === "add");
      alterations.push(...wanted.map((step) => alterationSql(row.name, step)));
      if (isUnlike) unlike.push(row.name);
    }
  }
  const of = (rows: readonly SchemaRow[], ...types: string[]): SchemaRow[] =>
    types.flatMap((type) => rows.filter((row) => row.type === type));
  const createSql = ({ sql }: SchemaRow): string => createIfMissing(sql as string);
  return {
    // What refers to a table goes first, and comes last.
    first: [
      ...of(drops, "trigger", "view", "index").map(dropSql),
      ...alterations,
      ...of(creates, "table").map(createSql),
    ],
    last: [
      ...of(drops, "table").map(dropSql),
      ...of(creates, "index", "view", "trigger").map(createSql),
      ...(isAll ? changedPragmas(before, after) : []),
    ],
    unlike,
  };
}

function changedPragmas(before: ImageSchema, after: ImageSchema): string[] {
  return [
    ...(after.userVersion === before.userVersion ? [] : [`PRAGMA user_version = ${after.userVersion}`]),
    ...(after.applicationId === before.applicationId
      ? []
      : [`PRAGMA application_id = ${after.applicationId}`]),
  ];
}

function renamedColumns({ tables }: ImageDifference, table: string): readonly Renamed[] {
  return tables.find(({ shape }) => foldName(shape.table) === foldName(table))?.renamedColumns ?? [];
}

/** As the rows were compared: a column counts as renamed here exactly if it did there. */
function alter(
  was: SchemaRow,
  row: SchemaRow,
  renames: readonly Renamed[],
): { readonly steps: readonly TableAlteration[]; readonly isUnlike: boolean } {
  const before = parseTableDefinition(was.sql as string);
  const after = parseTableDefinition(row.sql as string);
  if (before === undefined || after === undefined) return { steps: [], isUnlike: true };
  const whole = findAlterations(before, after, renames, { from: was.name, to: row.name });
  if (whole !== undefined) return { steps: whole, isUnlike: false };
  const isThere = new Set([
    ...before.columns.map(({ name }) => foldName(name)),
    ...renames.map(({ to }) => foldName(to)),
  ]);
  const missing = after.columns.filter(({ name }) => !isThere.has(foldName(name)));
  return {
    steps: [
      ...renames.map(({ from, to }): TableAlteration => ({ type: "rename", from, to })),
      ...missing.map(({ name, text }): TableAlteration => ({ type: "add", column: name, definition: text })),
    ],
    isUnlike: true,
  };
}

/** Indexes that constraints make have no SQL; the rest is SQLite's, Tributary's, or the protocol's. */
function isOfTheApp({ name, sql }: SchemaRow): boolean {
  const folded = foldName(name);
  return (
    sql !== null &&
    !folded.startsWith("sqlite_") &&
    !folded.startsWith(RESERVED_PREFIX) &&
    !folded.startsWith("turso_")
  );
}

function keyOf({ type, name }: SchemaRow): string {
  return `${type} ${foldName(name)}`;
}

function tableKey(name: string): string {
  return keyOf({ type: "table", name, table: name, sql: null });
}

function dropSql({ type, name }: SchemaRow): string {
  return `DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(name)}`;
}
