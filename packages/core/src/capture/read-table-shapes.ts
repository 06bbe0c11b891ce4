import { MAX_TAPE_VALUES, PUSH_POSITION_TABLE, RESERVED_PREFIX } from "../tape/tape-schema.js";
import type { SqlRow } from "../values/sql-value.js";
import type { CapturedTable, RefusedTable, UniqueIndex, UniqueTerm } from "./captured-table.js";
import { parseCreateIndex } from "./parse-create-index.js";
import { imageWidth, type ShapeKey, type TableShape } from "./table-shape.js";

/**
 * Columns of every ordinary table of `main`. SQLite itself tells virtual tables and their shadow tables apart.
 * Rows: table, without rowid (0/1), column, declared type, not null (0/1), position in the key (0: none), hidden
 * (2, 3: generated).
 */
export const TABLE_COLUMNS_SQL = `SELECT l.name, l.wr, x.name, x.type, x."notnull", x.pk, x.hidden
FROM pragma_table_list l JOIN pragma_table_xinfo(l.name, 'main') x
WHERE l.schema = 'main' AND l.type = 'table' AND substr(l.name, 1, 7) <> 'sqlite_'
ORDER BY l.name, x.cid`;

/**
 * Terms of every unique index of these tables. Rows: table, index, origin ('c', 'u', 'pk'), position, column (NULL for
 * an expression), collation, SQL of a `CREATE INDEX`.
 */
export const UNIQUE_INDEXES_SQL = `SELECT l.name, i.name, i.origin, x.seqno, x.name, x.coll, s.sql
FROM pragma_table_list l JOIN pragma_index_list(l.name, 'main') i JOIN pragma_index_xinfo(i.name, 'main') x
LEFT JOIN main.sqlite_schema s ON s.type = 'index' AND s.name = i.name
WHERE l.schema = 'main' AND l.type = 'table' AND substr(l.name, 1, 7) <> 'sqlite_' AND i."unique" AND x.key
ORDER BY l.name, i.seq, x.seqno`;

/** What {@link readTableShapes} found. */
export interface TableShapes {
  readonly captured: readonly CapturedTable[];
  readonly refused: readonly RefusedTable[];
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly keyPosition: number;
  readonly generated: boolean;
}

const ROWID_NAMES = ["rowid", "_rowid_", "oid"] as const;

/** Shapes of the tables to capture, from the rows of {@link TABLE_COLUMNS_SQL} and {@link UNIQUE_INDEXES_SQL}. */
export function readTableShapes(columnRows: readonly SqlRow[], indexRows: readonly SqlRow[]): TableShapes {
  const indexesOf = groupByTable(indexRows);
  const captured: CapturedTable[] = [];
  const refused: RefusedTable[] = [];
  for (const [table, rows] of groupByTable(columnRows)) {
    if (isBookkeepingTable(table)) continue;
    const read = readTable(table, rows, indexesOf.get(table) ?? []);
    if ("reason" in read) refused.push(read);
    else captured.push(read);
  }
  return { captured, refused };
}

/** Tables of the replica's own and of the push protocol: never captured. */
export function isBookkeepingTable(table: string): boolean {
  const name = table.toLowerCase();
  return name.startsWith(RESERVED_PREFIX) || name === PUSH_POSITION_TABLE || name.startsWith("sqlite_");
}

function readTable(
  table: string,
  rows: readonly SqlRow[],
  indexRows: readonly SqlRow[],
): CapturedTable | RefusedTable {
  const columns: Column[] = rows.map((row) => ({
    name: String(row[2]),
    type: String(row[3]),
    notNull: Number(row[4]) === 1,
    keyPosition: Number(row[5]),
    generated: Number(row[6]) > 1,
  }));
  const withoutRowid = Number(rows[0]?.[1]) === 1;
  const shadowed = new Set(columns.map((column) => column.name.toLowerCase()));
  const freeRowidNames = ROWID_NAMES.filter((name) => !shadowed.has(name));
  const keyColumns = columns
    .filter((column) => column.keyPosition > 0)
    .sort((a, b) => a.keyPosition - b.keyPosition);
  // A key without an index of its own is the rowid under another name (INTEGER PRIMARY KEY).
  const keyIsRowid = !withoutRowid && keyColumns.length > 0 && !indexRows.some((row) => row[2] === "pk");
  let key: ShapeKey;
  if (keyColumns.length > 0) {
    const nullable = !withoutRowid && !keyIsRowid && keyColumns.some((column) => !column.notNull);
    key = { type: "columns", columns: keyColumns.map((column) => column.name), nullable };
  } else {
    const alias = freeRowidNames[0];
    if (alias === undefined) {
      return {
        table,
        reason: `it has no primary key and columns named ${ROWID_NAMES.join(", ")}: give it a primary key`,
      };
    }
    key = { type: "rowid", alias };
  }
  const stored = columns.filter((column) => !column.generated).map((column) => column.name);
  const shape: TableShape = { table, columns: stored, key };
  if (imageWidth(shape) * 2 > MAX_TAPE_VALUES) {
    return { table, reason: `it has more than ${MAX_TAPE_VALUES / 2} columns: split it` };
  }
  const uniqueIndexes = readUniqueIndexes(indexRows);
  const generated = new Set(columns.filter((column) => column.generated).map((column) => column.name));
  const opaqueIndexes = uniqueIndexes.some(
    (index) =>
      index.where !== undefined ||
      index.terms.some((term) => "expression" in term || generated.has(term.column)),
  );
  const rowidNames = keyIsRowid || key.type === "rowid" ? freeRowidNames : [];
  const rowidName = withoutRowid ? undefined : freeRowidNames[0];
  return { shape, rowidName, rowidNames, uniqueIndexes, opaqueIndexes };
}

function readUniqueIndexes(rows: readonly SqlRow[]): UniqueIndex[] {
  const indexes: UniqueIndex[] = [];
  const byName = new Map<string, SqlRow[]>();
  for (const row of rows) {
    if (row[2] === "pk") continue;
    const name = String(row[1]);
    const group = byName.get(name);
    if (group === undefined) byName.set(name, [row]);
    else group.push(row);
  }
  for (const [name, group] of byName) {
    const sql = group[0]?.[6];
    const text = typeof sql === "string" ? parseCreateIndex(sql) : undefined;
    const terms = group.map((row): UniqueTerm => {
      const collation = String(row[5] ?? "BINARY");
      if (row[4] !== null && row[4] !== undefined) return { column: String(row[4]), collation };
      return { expression: text?.terms[Number(row[3])] ?? "NULL", collation };
    });
    indexes.push({ name, terms, where: text?.where });
  }
  return indexes;
}

function groupByTable(rows: readonly SqlRow[]): Map<string, SqlRow[]> {
  const groups = new Map<string, SqlRow[]>();
  for (const row of rows) {
    const table = String(row[0]);
    const group = groups.get(table);
    if (group === undefined) groups.set(table, [row]);
    else group.push(row);
  }
  return groups;
}
