import type { CapturedTable } from "../capture/captured-table.js";
import { unmarkTrigger } from "../capture/mark-trigger.js";
import { readTableShapes, TABLE_COLUMNS_SQL, UNIQUE_INDEXES_SQL } from "../capture/read-table-shapes.js";
import { createIfMissing } from "../capture/schema-changes.js";
import { foldName } from "../capture/schema-row.js";
import { imageColumns } from "../capture/table-shape.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import { rowBytes } from "../tape/tape-cursor.js";
import { PUSH_POSITION_TABLE, RESERVED_PREFIX } from "../tape/tape-schema.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { ChangeGroup, StreamChange } from "./change-package.js";
import type { PackageFilter } from "./package-reader.js";
import { schemaHashOf } from "./schema-hash.js";
import type { SqlReader } from "./stream-host.js";
import { STREAM_TABLES } from "./stream-schema.js";
import { STREAM_STATE_SQL, type StreamState, streamStateOf } from "./stream-state.js";

/** One part of a snapshot, without what all parts have in common. */
export interface SnapshotContent {
  readonly part: number;
  readonly isLast: boolean;
  readonly groups: readonly ChangeGroup[];
}

/** Where a part begins: in which of the steps, and after which row. */
interface Place {
  readonly step: number;
  readonly after: readonly SqlValue[] | undefined;
}

type Step =
  | { readonly type: "schema"; readonly sql: string }
  | { readonly type: "rows"; readonly table: CapturedTable };

const FIRST_READ_ROWS = 16;
const MOST_READ_ROWS = 5_000;

/** Objects of Tributary's, of SQLite's and of the push protocol stay where they are; so do the tables that virtual ones make. */
const SCHEMA_OBJECTS_SQL = `SELECT type, name, tbl_name, sql FROM main.sqlite_schema
WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_' AND NOT (type = 'table' AND name IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'))
ORDER BY rowid`;

/**
 * Reads all of a database, as of one state: tables, rows, indexes, views, triggers, a bounded amount at a time. A part that
 * was not acknowledged can be read again. What virtual tables hold is not part of it.
 *
 * That of a spoke for its hub has no rows, which would overwrite what the hub has decided: it says only that the changes
 * begin where the tape does.
 */
export class SnapshotReader {
  readonly state: StreamState;
  readonly schemaHash: number;
  readonly #reader: SqlReader;
  readonly #site: string;
  readonly #maxBytes: number;
  readonly #steps: readonly Step[];
  readonly #seen: readonly ChangeGroup[];
  /** Where each part begins that is not acknowledged yet, and the next one. */
  readonly #places: Map<number, Place> = new Map([[0, { step: 0, after: undefined }]]);
  #next = 0;
  #acknowledged = 0;
  #last: number | undefined;
  #rowsPerRead = FIRST_READ_ROWS;

  constructor(reader: SqlReader, { site, to, excludeOrigins, localOnly, maxBytes }: PackageFilter) {
    this.#reader = reader;
    this.#site = site;
    this.#maxBytes = maxBytes;
    const state = streamStateOf(reader.query(STREAM_STATE_SQL));
    const isForHub = to !== undefined && to === state.hub;
    this.state = isForHub ? { ...state, end: state.trimmedUpTo } : state;
    const { captured } = readTableShapes(reader.query(TABLE_COLUMNS_SQL), reader.query(UNIQUE_INDEXES_SQL));
    this.schemaHash = schemaHashOf(captured.map(({ shape }) => shape));
    this.#steps = isForHub ? [] : stepsOf(reader, captured);
    const seen = reader.query(`SELECT origin, cursor, via FROM main.${STREAM_TABLES.seen} ORDER BY origin`);
    // Who is told of must be whose changes go on coming from here; and the receiver, of itself.
    const isTold = ([origin, , via]: SqlRow): boolean =>
      origin === to ||
      (to === undefined && excludeOrigins.has(String(origin))) ||
      (!localOnly && !excludeOrigins.has(String(origin)) && (to === undefined || via !== to));
    this.#seen = (isForHub ? [] : seen.filter(isTold)).map(([origin, cursor]) => ({
      origin: String(origin),
      originCursor: Number(cursor),
      isWithheld: true,
      changes: [],
    }));
  }

  /** Parts up to this one are acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Whether there is no next part now. */
  get isRead(): boolean {
    return this.#last !== undefined && this.#next > this.#last;
  }

  /** Whether a part is the last one. */
  isLast(part: number): boolean {
    return part === this.#last;
  }

  /** The next part. */
  next(): SnapshotContent {
    const part = this.#next;
    const { changes, end } = this.#read(this.#places.get(part) as Place);
    const isLast = end.step === this.#steps.length;
    this.#next = part + 1;
    this.#places.set(this.#next, end);
    if (isLast) this.#last = part;
    const rows = { origin: this.#site, originCursor: this.state.end, isWithheld: false, changes };
    // With it the receiver has all changes that are in here, whoever made them.
    return { part, isLast, groups: isLast ? [rows, ...this.#seen] : [rows] };
  }

  /** A part, and all before it, will not be asked for again. */
  acknowledge(part: number): void {
    for (let at = this.#acknowledged; at <= part; at++) this.#places.delete(at);
    this.#acknowledged = Math.max(this.#acknowledged, part + 1);
  }

  /** Goes back to the first part that is not acknowledged. */
  rewind(): void {
    this.#next = this.#acknowledged;
  }

  close(): void {
    this.#reader.close();
  }

  #read(begin: Place): { readonly changes: readonly StreamChange[]; readonly end: Place } {
    const changes: StreamChange[] = [];
    let bytes = 0;
    let place = begin;
    while (place.step < this.#steps.length && bytes < this.#maxBytes) {
      const step = this.#steps[place.step] as Step;
      if (step.type === "schema") {
        changes.push({ type: "schema", sql: step.sql });
        bytes += step.sql.length;
        place = { step: place.step + 1, after: undefined };
        continue;
      }
      const rows = readRows(this.#reader, step.table, place.after, this.#rowsPerRead);
      const { shape } = step.table;
      let taken = 0;
      for (const { image, place: after } of rows) {
        if (bytes >= this.#maxBytes) break;
        changes.push({ type: "insert", shape, after: image });
        bytes += rowBytes(image);
        place = { step: place.step, after };
        taken++;
      }
      if (taken === rows.length && rows.length < this.#rowsPerRead) {
        place = { step: place.step + 1, after: undefined };
      }
      this.#adapt(rows.map(({ image }) => image));
    }
    return { changes, end: place };
  }

  #adapt(rows: readonly SqlRow[]): void {
    if (rows.length === 0) return;
    const bytesPerRow = rows.reduce((sum, row) => sum + rowBytes(row), 0) / rows.length;
    const fitting = Math.ceil(this.#maxBytes / bytesPerRow);
    this.#rowsPerRead = Math.max(1, Math.min(MOST_READ_ROWS, fitting, this.#rowsPerRead * 2));
  }
}

/** What there is to send, in an order in which it can be made: triggers last, since their effects are among the rows. */
function stepsOf(reader: SqlReader, captured: readonly CapturedTable[]): readonly Step[] {
  const objects = reader.query(SCHEMA_OBJECTS_SQL).filter(([, name, table]) => {
    return ![name, table].some((text) => {
      const folded = foldName(String(text));
      return folded.startsWith(RESERVED_PREFIX) || folded === PUSH_POSITION_TABLE;
    });
  });
  const made = (type: string): Step[] =>
    objects
      .filter((row) => row[0] === type)
      .map((row) => ({ type: "schema", sql: createIfMissing(unmarkTrigger(String(row[3]))) }));
  const pragmas = ["user_version", "application_id"].flatMap((name): Step[] => {
    const value = reader.query(`PRAGMA main.${name}`)[0]?.[0];
    return value === 0n ? [] : [{ type: "schema", sql: `PRAGMA ${name} = ${String(value)}` }];
  });
  const rows = captured.map((table): Step => ({ type: "rows", table }));
  return [...made("table"), ...rows, ...made("index"), ...made("view"), ...made("trigger"), ...pragmas];
}

/** Rows of a table in the order of its rowid, or of its key where it has none, after a place in that order. */
function readRows(
  reader: SqlReader,
  { shape, rowidName }: CapturedTable,
  after: readonly SqlValue[] | undefined,
  limit: number,
): { readonly image: SqlRow; readonly place: readonly SqlValue[] }[] {
  const key = rowidName !== undefined ? [rowidName] : shape.key.type === "columns" ? shape.key.columns : [];
  const order = key.map(quoteIdentifier).join(", ");
  const columns = imageColumns(shape).map(quoteIdentifier).join(", ");
  if (rowidName === undefined && shape.key.type === "columns" && shape.key.nullable) {
    // Columns hide every name of the rowid, and the key does not tell rows apart.
    const offset = (after?.[0] ?? 0n) as bigint;
    const sql = `SELECT ${columns} FROM main.${quoteIdentifier(shape.table)} LIMIT ? OFFSET ?`;
    const rows = reader.query(sql, [BigInt(limit), offset]);
    return rows.map((image, index) => ({ image, place: [offset + BigInt(index + 1)] }));
  }
  const condition = after === undefined ? "" : ` WHERE (${order}) > (${key.map(() => "?").join(", ")})`;
  const sql = `SELECT ${order}, ${columns} FROM main.${quoteIdentifier(shape.table)}${condition} ORDER BY ${order} LIMIT ?`;
  const rows = reader.query(sql, [...(after ?? []), BigInt(limit)]);
  return rows.map((row) => ({ image: row.slice(key.length), place: row.slice(0, key.length) }));
}
