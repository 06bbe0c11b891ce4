import {
  changeToStatement,
  foldName,
  imageColumns,
  quoteIdentifier,
  type ReplayTarget,
  type RowChange,
  type SqlRow,
  type SqlStatement,
  type SqlValue,
  sameValue,
  type TableShape,
} from "@tributary/core";
import type { MergeTarget, SqlRefusal } from "./merge-target.js";

/** Another row has the key or a unique value. */
const NOT_UNIQUE = /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY|ROWID)$/;

/** A row that was taken out of the table, to be put back as it is to be. */
interface TakenRow {
  readonly change: RowChange;
  readonly was: SqlRow;
  readonly values: SqlRow;
}

/**
 * Repeats the changes of one table on the database, the last push wins, by row and changed column:
 * - An update of a row that others have deleted does nothing. Only where it gave new values to all columns but the key, two at
 *   least, it may be a new row with the number of a deleted one, and is inserted.
 * - The changes are net ones, so they may be in each other's way where their rows have swapped unique values. Those that are
 *   refused wait until the others are made; then all their rows are taken out, and put back as they are to be. Whoever else
 *   has a unique value of theirs then gives way.
 * - What the database refuses all the same is kept in `tributary_refused`.
 */
export class TableMerger {
  readonly #target: MergeTarget;
  readonly #shape: TableShape;
  /** Of the database. */
  readonly #columns: readonly string[];
  readonly #replay: ReplayTarget;
  /** Which of the shape's columns those are. */
  readonly #isStored: readonly boolean[];
  #insertSql: string | undefined;
  #deferred: RowChange[] = [];

  constructor(target: MergeTarget, shape: TableShape) {
    this.#target = target;
    this.#shape = shape;
    this.#columns = target.columnsOf(shape.table);
    const columns = new Set(this.#columns.map(foldName));
    this.#replay = { columns };
    this.#isStored = shape.columns.map((name) => columns.has(foldName(name)));
  }

  /** Makes a change, or puts it off until `finish`. */
  merge(change: RowChange): void {
    if (this.#columns.length === 0) {
      this.#target.refuseRow(change, {
        code: "SQLITE_ERROR",
        message: `no such table: ${this.#shape.table}`,
      });
      return;
    }
    const refusal = this.#target.try(() => this.#make(change, this.#replay));
    if (refusal !== undefined) this.#deferred.push(change);
  }

  /** Makes what was put off. `giveWay` as that of `TimeSlice`. */
  async finish(giveWay: () => Promise<void> | undefined): Promise<void> {
    const deferred = this.#deferred;
    this.#deferred = [];
    const refused: RowChange[] = [];
    let isColliding = false;
    for (const change of deferred) {
      const refusal = this.#target.try(() => this.#make(change, this.#replay));
      if (refusal === undefined) continue;
      refused.push(change);
      isColliding ||= NOT_UNIQUE.test(refusal.code);
      await giveWay();
    }
    // Nobody gives way to one alone as long as it may be among those who have swapped values: a row would be lost.
    if (isColliding) await this.#settleCollisions(refused, giveWay);
    else await this.#displaceAll(refused, giveWay);
  }

  #make(change: RowChange, replay: ReplayTarget): void {
    const statement = this.#statementOf(change, replay);
    // Nothing but columns that the database does not have.
    if (statement === undefined) return;
    const count = this.#target.run(statement.sql, statement.params);
    if (count > 0 || change.type !== "update") this.#target.noteChange();
    else this.#missing(change, replay);
  }

  #statementOf(change: RowChange, replay: ReplayTarget): SqlStatement | undefined {
    const { shape } = change;
    // Most rows of a large push are new, and the statements for those are all the same.
    const isPlain = change.type === "insert" && shape.key.type === "columns" && !shape.key.nullable;
    if (!isPlain || replay.displaces === true || !change.after.every(isBindable)) {
      const statement = changeToStatement(change, replay);
      return statement && { ...statement, sql: withoutTableRules(statement.sql) };
    }
    this.#insertSql ??= withoutTableRules(changeToStatement(change, replay)?.sql ?? "");
    return { sql: this.#insertSql, params: change.after.filter((_, index) => this.#isStored[index]) };
  }

  /** An update found no row. */
  #missing(change: RowChange & { readonly type: "update" }, replay: ReplayTarget): void {
    this.#target.noteInexact();
    if (!isWholeRow(change)) return;
    const { changeId, parked, shape, after } = change;
    this.#make({ changeId, parked, shape, type: "insert", after }, replay);
  }

  /** The last try: others give way. */
  #displace(change: RowChange): void {
    const refusal = this.#target.try(() => this.#make(change, { ...this.#replay, displaces: true }));
    if (refusal !== undefined) this.#target.refuseRow(change, refusal);
  }

  async #displaceAll(changes: readonly RowChange[], giveWay: () => Promise<void> | undefined): Promise<void> {
    for (const change of changes) {
      this.#displace(change);
      await giveWay();
    }
  }

  async #settleCollisions(
    changes: readonly RowChange[],
    giveWay: () => Promise<void> | undefined,
  ): Promise<void> {
    const taken: TakenRow[] = [];
    const rest: RowChange[] = [];
    const refusals = new Map<RowChange, SqlRefusal>();
    this.#target.execute("SAVEPOINT tributary_settling");
    for (const change of changes) {
      // A trigger that only the database has may not let rows go.
      const refusal = this.#target.try(() => {
        const row = change.type === "update" ? this.#takeOut(change) : undefined;
        if (row === undefined) rest.push(change);
        else taken.push(row);
      });
      if (refusal !== undefined) refusals.set(change, refusal);
      await giveWay();
    }
    await this.#putBackAll(taken, refusals, giveWay);
    this.#target.execute("RELEASE tributary_settling");
    // Behind the savepoint: what is kept aside must not be undone with the rest.
    for (const { change } of taken) if (!refusals.has(change)) this.#target.noteChange();
    for (const [change, refusal] of refusals) this.#target.refuseRow(change, refusal);
    await this.#displaceAll(rest, giveWay);
  }

  /** As they are to be, else as they were. Where the database wants neither of one, none was taken out, and all are refused. */
  async #putBackAll(
    taken: readonly TakenRow[],
    refusals: Map<RowChange, SqlRefusal>,
    giveWay: () => Promise<void> | undefined,
  ): Promise<void> {
    for (const { change, was, values } of taken) {
      await giveWay();
      const refusal = this.#target.try(() => this.#putBack("REPLACE", values));
      if (refusal === undefined) continue;
      refusals.set(change, refusal);
      if (this.#target.try(() => this.#putBack("REPLACE", was)) === undefined) continue;
      this.#target.execute("ROLLBACK TO tributary_settling");
      for (const other of taken) refusals.set(other.change, refusal);
      return;
    }
  }

  #takeOut(change: RowChange & { readonly type: "update" }): TakenRow | undefined {
    const { changeId, parked, shape, before, after } = change;
    const removal = changeToStatement({ changeId, parked, shape, type: "delete", before }, this.#replay);
    if (removal === undefined) return undefined;
    const [was] = this.#target.query(`${removal.sql} RETURNING ${this.#names.join(", ")}`, removal.params);
    if (was === undefined) return undefined;
    const values = [...was];
    const names = imageColumns(shape);
    this.#storedNames.forEach((name, place) => {
      const index = names.findIndex((column) => foldName(column) === foldName(name));
      if (index < 0 || (shape.key.type === "rowid" && index === 0)) return;
      const value = after[index] as SqlValue;
      if (!sameValue(before[index] as SqlValue, value)) values[place] = value;
    });
    return { change, was, values };
  }

  #putBack(onConflict: string, values: SqlRow): void {
    const table = quoteIdentifier(this.#shape.table);
    const places = values.map(() => "?").join(", ");
    this.#target.run(
      `INSERT OR ${onConflict} INTO ${table} (${this.#names.join(", ")}) VALUES (${places})`,
      values,
    );
  }

  get #storedNames(): readonly string[] {
    const { key } = this.#shape;
    return key.type === "rowid" ? [key.alias, ...this.#columns] : this.#columns;
  }

  get #names(): readonly string[] {
    return this.#storedNames.map(quoteIdentifier);
  }
}

/** What the constraints of a table say of conflicts (ON CONFLICT IGNORE, ROLLBACK) is meant for the app's statements. */
function withoutTableRules(sql: string): string {
  return sql.replace(/^(INSERT|UPDATE) (?!OR )/, "$1 OR ABORT ");
}

/** Others are written into the statement. */
function isBindable(value: SqlValue): boolean {
  return typeof value !== "number" || Number.isFinite(value);
}

/** Whether an update may as well be a new row in the place of one that was deleted. */
function isWholeRow({ shape, before, after }: RowChange & { readonly type: "update" }): boolean {
  if (shape.key.type === "rowid") return false;
  const keys = new Set(shape.key.columns);
  const others = shape.columns.flatMap((name, index) => (keys.has(name) ? [] : [index]));
  const isNew = (index: number): boolean => !sameValue(before[index] as SqlValue, after[index] as SqlValue);
  return others.length >= 2 && others.every(isNew);
}
