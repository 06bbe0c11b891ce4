import { foldName, type SchemaRow } from "../capture/schema-row.js";
import { imageColumns, type TableShape } from "../capture/table-shape.js";
import { triggerEffects, triggerTargets } from "../capture/trigger-effects.js";
import type { ImageDifference, TableDifference } from "../row-diff/image-difference.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import type { RowChange } from "../tape/tape-change.js";
import { TAPE_OPERATION } from "../tape/tape-schema.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import { parkedRow, type UniqueColumns } from "./parked-row.js";
import { schemaSteps } from "./schema-steps.js";

/**
 * In which order kinds of row changes are repeated, each in all tables before the next. `park`: updates, but with values that
 * no row has in the place of new unique ones; `unpark`: these.
 */
export type ChangeOrder = readonly (RowChange["type"] | "park" | "unpark")[];

/**
 * Rows that take a value which was another one's come last; and rows that moved to another parent have done so before their
 * old one is deleted, which may delete its children.
 */
export const MOVES_FIRST: ChangeOrder = ["update", "delete", "insert"];
/** For rows that took a unique value of one that was deleted, where deleting has no consequences. */
export const DELETES_FIRST: ChangeOrder = ["delete", "update", "insert"];
/** For rows that have changed unique values among each other: one by one, none of them could take its new one. */
export const PARKED_FIRST: ChangeOrder = ["park", "delete", "unpark", "insert"];

/** The database that changes are to be repeated on. */
export interface TakingRemote {
  readonly schema: readonly SchemaRow[];
  readonly unique: UniqueColumns;
}

/** Local changes that are to go on a tape. */
export interface TakenChanges {
  readonly shapes: readonly (readonly [number, TableShape])[];
  /** Rows of the tape, as they are stored, in order. Throws `ImageDamage`. */
  rows(order: ChangeOrder): Iterable<SqlRow>;
  /** What could not be taken, for people, one sentence each. */
  readonly left: readonly string[];
  /** Whether deleting a row may delete or change others. */
  readonly hasCascades: boolean;
}

/**
 * The difference of two states as changes of a tape.
 *
 * Effects of triggers are among the differences, so the triggers of the tables concerned must not have them once more:
 * neither where the changes are repeated, nor where they are pushed to. They are dropped before the rows and made again
 * after them, in the same transaction. Triggers that only keep virtual tables up are left to do that.
 *
 * @param guessed Which of the differences are local changes is not known: what the remote lacks is taken, nothing else.
 */
export function takenChanges(
  difference: ImageDifference,
  { schema: remote, unique }: TakingRemote,
  guessed: boolean,
): TakenChanges {
  const { before, after } = difference;
  const virtual = [...before.rows, ...after.rows].filter(isVirtual).map(({ name }) => `${foldName(name)}_`);
  const shadows = new Set(difference.tables.filter(isShadow).map(({ shape }) => foldName(shape.table)));
  const isShadowName = (name: string): boolean =>
    shadows.has(foldName(name)) || virtual.some((prefix) => foldName(name).startsWith(prefix));
  const steps = schemaSteps(difference, guessed ? "additions" : "all", isShadowName);
  const tables = difference.tables.filter((table) => !isShadow(table) && !isInternal(table.shape.table));
  const shapes = tables.map(({ shape }, index) => [index + 1, shape] as const);
  const triggers = effectiveTriggers(remote, tables);
  const dropTriggers = triggers.map(({ name }) => `DROP TRIGGER IF EXISTS ${quoteIdentifier(name)}`);
  const isMadeAnew = new Set(
    after.rows.filter(({ type }) => type === "trigger").map(({ name }) => foldName(name)),
  );
  const wasKnown = new Set(
    before.rows.filter(({ type }) => type === "trigger").map(({ name }) => foldName(name)),
  );
  // One that was dropped here stays dropped; one that was changed here is made by the steps, as it is now.
  const remade = triggers.filter(
    ({ name }) => guessed || !wasKnown.has(foldName(name)) || isMadeAnew.has(foldName(name)),
  );
  const last = [...steps.last, ...remade.map(({ sql }) => sql as string)];
  return {
    shapes,
    left: [...leftVirtual(difference, after.rows), ...steps.unlike.map(unlikeText)],
    hasCascades: [...remote, ...after.rows].some(({ sql }) => /\bON\s+DELETE\b/i.test(sql ?? "")),
    *rows(order) {
      let id = 0n;
      for (const sql of [...steps.first, ...dropTriggers])
        yield [++id, 0n, BigInt(TAPE_OPERATION.schema), null, sql];
      for (const step of order) {
        for (const [index, table] of tables.entries()) {
          let place = 0;
          for (const change of guessed ? missingRows(table) : table.rows()) {
            const repeated = inStep(step, change, unique, ++place);
            if (repeated !== undefined) yield rowOf(repeated, ++id, index + 1);
          }
        }
      }
      for (const sql of last) yield [++id, 0n, BigInt(TAPE_OPERATION.schema), null, sql];
    },
  };
}

/** What of a change belongs in a step. `place`: its place among those of its table. */
function inStep(
  step: ChangeOrder[number],
  change: RowChange,
  unique: UniqueColumns,
  place: number,
): RowChange | undefined {
  if (step === change.type) return change;
  if (change.type !== "update" || (step !== "park" && step !== "unpark")) return undefined;
  const parked = parkedRow(change, unique, place);
  if (step === "park") return parked === undefined ? change : { ...change, after: parked };
  return parked === undefined ? undefined : { ...change, before: parked };
}

function rowOf(change: RowChange, id: bigint, shape: number): SqlRow {
  const head = [id, BigInt(shape), BigInt(TAPE_OPERATION[change.type]), null];
  switch (change.type) {
    case "insert":
      return [...head, ...change.after];
    case "delete":
      return [...head, ...change.before];
    case "update":
      return [...head, ...change.before, ...change.after];
  }
}

/**
 * Rows that are only in the state after, as inserts. Where there is no key, a row is the same as any that has its values: so
 * many are missing as there are more of them after than before.
 */
function* missingRows({ shape, rows }: TableDifference): Iterable<RowChange> {
  if (shape.key.type === "columns") {
    for (const change of rows()) if (change.type === "insert") yield change;
    return;
  }
  const known = new Map<string, number>();
  for (const change of rows()) {
    if (change.type === "insert") continue;
    const text = contentOf(shape, change.before);
    known.set(text, (known.get(text) ?? 0) + 1);
  }
  for (const change of rows()) {
    if (change.type === "delete") continue;
    const text = contentOf(shape, change.after);
    const left = known.get(text) ?? 0;
    if (left > 0) known.set(text, left - 1);
    else {
      const { changeId, parked, after } = change;
      yield { changeId, parked, shape, type: "insert", after };
    }
  }
}

function contentOf(shape: TableShape, row: SqlRow): string {
  const values = row.slice(imageColumns(shape).length - shape.columns.length);
  return JSON.stringify(values.map(textOf));
}

function textOf(value: SqlValue): string {
  if (value instanceof Uint8Array) return `x${value.join(",")}`;
  return `${typeof value} ${String(value)}`;
}

/** Triggers of tables that change, in the order of the schema, that write ordinary tables. */
function effectiveTriggers(schema: readonly SchemaRow[], tables: readonly TableDifference[]): SchemaRow[] {
  const ordinary = schema.filter((row) => row.type === "table" && !isVirtual(row));
  const { marked } = triggerEffects(schema, new Set(ordinary.map(({ name }) => foldName(name))));
  const changed = new Set(tables.map(({ shape }) => foldName(shape.table)));
  return schema.filter(
    (row) => row.type === "trigger" && marked.has(foldName(row.name)) && changed.has(foldName(row.table)),
  );
}

/** Virtual tables whose content was changed by something else than triggers: replicas have no such changes. */
function leftVirtual({ tables }: ImageDifference, schema: readonly SchemaRow[]): string[] {
  const kept = new Set(
    schema.filter(({ type }) => type === "trigger").flatMap(({ sql }) => [...triggerTargets(sql ?? "")]),
  );
  const changed = new Set(tables.flatMap(({ shadowOf }) => (shadowOf === undefined ? [] : [shadowOf])));
  return [...changed]
    .filter((name) => !kept.has(foldName(name)))
    .map(
      (name) =>
        `The content of the virtual table ${name} was not taken over, since changes of it do not travel.`,
    );
}

function unlikeText(table: string): string {
  return `The definition of ${table} was changed in a way that cannot be repeated on the remote's: its rows were taken over, its constraints were not.`;
}

function isVirtual({ sql }: SchemaRow): boolean {
  return /^CREATE VIRTUAL TABLE/i.test(sql ?? "");
}

function isShadow({ shadowOf }: TableDifference): boolean {
  return shadowOf !== undefined;
}

/** `sqlite_sequence`, which follows from the rows that are inserted. */
function isInternal(table: string): boolean {
  return foldName(table).startsWith("sqlite_");
}
