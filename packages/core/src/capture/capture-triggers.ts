import { quoteIdentifier } from "../sql/quote-identifier.js";
import { quoteLiteral } from "../sql/quote-literal.js";
import { RESERVED_PREFIX, TAPE_EFFECT, TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import type { CapturedTable, RefusedTable, UniqueIndex } from "./captured-table.js";
import { DEPTH_FUNCTION, STATEMENT_FUNCTION } from "./mark-trigger.js";
import { imageColumns, imageWidth } from "./table-shape.js";

/**
 * TEMP table of a captured connection: rows that a statement may displace. A BEFORE trigger notes them, the AFTER
 * trigger records those that are gone as deletes. `OR IGNORE` and upserts leave notes behind, which the next note of
 * the same shape clears: those of another statement, whose rows may be gone for other reasons since, and those of rows that
 * are there.
 */
export const NOTED_TABLE: string = `${RESERVED_PREFIX}noted`;

/** Columns of {@link NOTED_TABLE} before the values. */
export const NOTED_FIXED_COLUMNS = ["shape", "row", "statement"] as const;

/** SQL of {@link NOTED_TABLE}. */
export function createNotedSql(values: number): string {
  const columns = Array.from({ length: values }, (_, index) => `v${index}`).join(", ");
  return `CREATE TEMP TABLE ${NOTED_TABLE} (${NOTED_FIXED_COLUMNS.join(", ")}, ${columns})`;
}

/** A trigger of the capture. */
export interface CaptureTrigger {
  readonly name: string;
  readonly sql: string;
}

/** What the triggers of a table are for. */
export interface CaptureTriggerOptions {
  /**
   * Changes made inside a marked trigger of the schema are left out: they are made anew by that trigger where the change
   * lands.
   */
  readonly suppressible: boolean;
  /**
   * Changes can be undone from the tape: a row that `INSERT OR REPLACE` puts another one in the place of is recorded as
   * deleted before, and what is done inside a marked trigger is recorded as an effect. Elsewhere the insert alone says enough,
   * and costs no look for that row. Default false.
   */
  readonly takenBack?: boolean;
  /**
   * Whether a statement may displace rows: one that the word REPLACE is in ({@link mayDisplace}), or any where it is in the
   * schema. Without, the triggers are fewer and cost less. Default true.
   */
  readonly displaces?: boolean;
}

/**
 * Whether rows may be displaced by a statement, or by what a statement of the schema makes: only where the word REPLACE is,
 * as a clause of the statement that writes, of a trigger that it fires, or of a constraint. Also true for the function of
 * that name.
 */
export function mayDisplace(sql: string): boolean {
  return /\breplace\b/i.test(sql);
}

/**
 * The TEMP triggers that record the changes of one table. Each row change is one insert into the tape; nothing is
 * compared in SQL, except, where rows may be displaced, the key and the unique columns before and after an update, because
 * an update that moves a row there may displace others (`UPDATE OR REPLACE`).
 */
export function captureTriggers(
  table: CapturedTable,
  shapeId: number,
  { suppressible, takenBack = false, displaces = true }: CaptureTriggerOptions,
): readonly CaptureTrigger[] {
  const { shape } = table;
  const names = imageColumns(shape).map(quoteIdentifier);
  const width = imageWidth(shape);
  const image = (row: string): string => names.map((name) => `${row}.${name}`).join(", ");
  const values = (count: number, row = ""): string =>
    Array.from({ length: count }, (_, index) => `${row}v${index}`).join(", ");
  const notedColumn = new Map(imageColumns(shape).map((name, index) => [name, `v${index}`]));

  const keyColumns = shape.key.type === "rowid" ? [shape.key.alias] : shape.key.columns;
  // What tells rows apart for certain, and where a note has it. Keys do not where they may hold NULL.
  const nullable = shape.key.type === "columns" && shape.key.nullable;
  const byRowid = nullable && table.rowidName !== undefined;
  const identity: readonly (readonly [column: string, noted: string])[] = byRowid
    ? [[quoteIdentifier(table.rowidName ?? ""), "row"]]
    : (nullable ? shape.columns : keyColumns).map((name) => [
        quoteIdentifier(name),
        notedColumn.get(name) ?? "",
      ]);
  const sameAsNote = (row: string): string =>
    identity.map(([column, noted]) => `x.${column} IS ${row}${noted}`).join(" AND ");
  const rowid = byRowid ? `x.${quoteIdentifier(table.rowidName ?? "")}` : "NULL";
  const from = `main.${quoteIdentifier(shape.table)}`;

  const recorded = (operation: number): string =>
    suppressible && takenBack
      ? `${operation} + ${TAPE_EFFECT} * (${DEPTH_FUNCTION}() > 0)`
      : String(operation);
  const record = (operation: number, count: number, images: string): string =>
    `INSERT INTO ${TAPE_TABLE} (shape, op, ${values(count)}) VALUES (${shapeId}, ${recorded(operation)}, ${images});`;
  const clearStale = `DELETE FROM ${NOTED_TABLE} WHERE shape = ${shapeId} AND (statement <> ${STATEMENT_FUNCTION}() OR EXISTS (SELECT 1 FROM ${from} AS x WHERE ${sameAsNote("")}));`;
  const note = (conflict: string): string =>
    `INSERT INTO ${NOTED_TABLE} (${NOTED_FIXED_COLUMNS.join(", ")}, ${values(width)}) SELECT ${shapeId}, ${rowid}, ${STATEMENT_FUNCTION}(), ${image("x")} FROM ${from} AS x WHERE ${conflict} AND NOT EXISTS (SELECT 1 FROM ${NOTED_TABLE} AS n WHERE n.shape = ${shapeId} AND ${sameAsNote("n.")});`;
  const recordDisplaced = (orOccupied: string): string =>
    `INSERT INTO ${TAPE_TABLE} (shape, op, ${values(width)}) SELECT ${shapeId}, ${recorded(TAPE_OPERATION.delete)}, ${values(width, "n.")} FROM ${NOTED_TABLE} AS n WHERE n.shape = ${shapeId} AND (NOT EXISTS (SELECT 1 FROM ${from} AS x WHERE ${sameAsNote("n.")})${orOccupied}) ORDER BY n.rowid; DELETE FROM ${NOTED_TABLE} WHERE shape = ${shapeId};`;

  const trigger = (
    kind: string,
    event: string,
    condition: string | undefined,
    body: string,
  ): CaptureTrigger => {
    const conditions = [
      ...(suppressible && !takenBack ? [`${DEPTH_FUNCTION}() = 0`] : []),
      ...(condition ? [condition] : []),
    ];
    const when = conditions.length > 0 ? ` WHEN ${conditions.join(" AND ")}` : "";
    const name = `${RESERVED_PREFIX}${kind}_${shape.table}`;
    return {
      name,
      sql: `CREATE TEMP TRIGGER ${quoteIdentifier(name)} ${event} ON ${from}${when} BEGIN ${body} END`,
    };
  };

  const insertRecord = record(TAPE_OPERATION.insert, width, image("NEW"));
  const updateRecord = record(TAPE_OPERATION.update, width * 2, `${image("OLD")}, ${image("NEW")}`);
  const deleteRecord = record(TAPE_OPERATION.delete, width, image("OLD"));
  if (!displaces && !takenBack) {
    return [
      trigger("insert", "AFTER INSERT", undefined, insertRecord),
      trigger("update", "AFTER UPDATE", undefined, updateRecord),
      trigger("delete", "AFTER DELETE", undefined, deleteRecord),
    ];
  }
  const conflicts = table.uniqueIndexes.map((index) => conflictWith(index, shape.columns));
  const triggers: CaptureTrigger[] = [];

  const isOld = identity.map(([column]) => `x.${column} IS OLD.${column}`).join(" AND ");
  const keyConflict = keyColumns
    .map((name) => `x.${quoteIdentifier(name)} = NEW.${quoteIdentifier(name)}`)
    .join(" AND ");
  // The displaced row's key is the updated row's now, so that it does not look gone.
  const occupied = ` OR (${keyColumns.map((name) => `NEW.${quoteIdentifier(name)} = n.${notedColumn.get(name)}`).join(" AND ")})`;
  const onInsert = takenBack ? [keyConflict, ...conflicts] : conflicts;
  if (onInsert.length > 0) {
    const displaced = recordDisplaced(takenBack ? occupied : "");
    triggers.push(
      trigger("note_insert", "BEFORE INSERT", undefined, [clearStale, ...onInsert.map(note)].join(" ")),
      trigger("insert", "AFTER INSERT", undefined, `${displaced} ${insertRecord}`),
    );
  } else {
    triggers.push(trigger("insert", "AFTER INSERT", undefined, insertRecord));
  }

  const noteUpdate = [
    clearStale,
    ...[keyConflict, ...conflicts].map((conflict) => note(`${conflict} AND NOT (${isOld})`)),
  ].join(" ");
  const moved = `${recordDisplaced(occupied)} ${updateRecord}`;
  if (table.opaqueIndexes) {
    triggers.push(trigger("note_update", "BEFORE UPDATE", undefined, noteUpdate));
    triggers.push(trigger("update", "AFTER UPDATE", undefined, moved));
  } else {
    // Two triggers with opposite conditions, because the order in which triggers fire is not ours to rely on.
    const watched = [
      ...new Set([
        ...keyColumns,
        ...table.uniqueIndexes.flatMap((index) =>
          index.terms.map((term) => ("column" in term ? term.column : "")),
        ),
      ]),
    ];
    const unmoved = watched
      .map((name) => `NEW.${quoteIdentifier(name)} COLLATE BINARY IS OLD.${quoteIdentifier(name)}`)
      .join(" AND ");
    const columns = [...new Set([...watched, ...table.rowidNames])].map(quoteIdentifier).join(", ");
    triggers.push(
      trigger("note_move", `BEFORE UPDATE OF ${columns}`, `NOT (${unmoved})`, noteUpdate),
      trigger("move", `AFTER UPDATE OF ${columns}`, `NOT (${unmoved})`, moved),
      trigger("update", "AFTER UPDATE", unmoved, updateRecord),
    );
  }
  triggers.push(trigger("delete", "AFTER DELETE", undefined, deleteRecord));
  return triggers;
}

/** Triggers that make every write to a table fail, because a pull would lose it. */
export function refusalTriggers(refused: RefusedTable): readonly CaptureTrigger[] {
  const message = quoteLiteral(`table ${refused.table} cannot be synced: ${refused.reason}`);
  return (["INSERT", "UPDATE", "DELETE"] as const).map((event) => {
    const name = `${RESERVED_PREFIX}refuse_${event.toLowerCase()}_${refused.table}`;
    return {
      name,
      sql: `CREATE TEMP TRIGGER ${quoteIdentifier(name)} BEFORE ${event} ON main.${quoteIdentifier(refused.table)} BEGIN SELECT RAISE(ABORT, ${message}); END`,
    };
  });
}

/**
 * A condition on rows `x` that the new row may displace by a unique index. Too many is harmless: only those that are
 * gone afterwards count. An expression is evaluated over the new row by giving it a FROM of the same column names.
 */
function conflictWith(index: UniqueIndex, columns: readonly string[]): string {
  const newRow = `(SELECT ${columns.map((name) => `NEW.${quoteIdentifier(name)} AS ${quoteIdentifier(name)}`).join(", ")})`;
  const terms = index.terms.map((term) => {
    const collate = ` COLLATE ${quoteIdentifier(term.collation)}`;
    return "column" in term
      ? `x.${quoteIdentifier(term.column)} = NEW.${quoteIdentifier(term.column)}${collate}`
      : `(${term.expression}) = (SELECT (${term.expression}) FROM ${newRow})${collate}`;
  });
  // SQLite uses a partial index only for a query that repeats its condition.
  return [...terms, ...(index.where === undefined ? [] : [`(${index.where})`])].join(" AND ");
}
