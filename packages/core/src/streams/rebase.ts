import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { setNamedValue } from "../engine/local-values.js";
import { runOrFail } from "../engine/run-or-fail.js";
import { lastChangeId, parseTapeRow, type Shapes } from "../tape/read-tape.js";
import { decodeRows, encodeRows } from "../tape/row-codec.js";
import type { RowChange, TapeChange } from "../tape/tape-change.js";
import { TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import type { SqlRow, SqlStatement } from "../values/sql-value.js";
import type { ChangeRunner } from "./change-runner.js";
import { OwnChanges } from "./own-changes.js";
import { STREAM_TABLES, STREAM_VALUE } from "./stream-schema.js";
import { withoutEffects } from "./without-effects.js";

const UNDO_ENTRIES_PER_READ = 500;

/**
 * Local changes of a spoke that its hub has not been heard to have: they are taken back, what comes from the hub is
 * applied, and they are made again, so that the database is always the hub's state with them on top. Nothing of it is
 * recorded: on the tape they stay as the app made them, and as they are sent.
 *
 * What making them again did is not what the app's statements did, so it is kept by itself, in `tributary_stream_undo`.
 */
export class Rebase {
  readonly #runner: ChangeRunner;
  readonly #shapes: Shapes;
  /** The end of the tape when it began. */
  readonly #end: number;
  readonly #redoneUpTo: number;
  /** Changes up to here are settled: the hub has them, and where. */
  #heard: number;

  constructor(
    runner: ChangeRunner,
    shapes: Shapes,
    position: { end: number; redoneUpTo: number; heard: number },
  ) {
    this.#runner = runner;
    this.#shapes = shapes;
    this.#end = position.end;
    this.#redoneUpTo = position.redoneUpTo;
    this.#heard = position.heard;
  }

  /** Takes back all that is not settled, newest first. */
  *undo(): Coroutine<void> {
    yield* withoutEffects(() => this.#undo());
    yield* this.#forgetRows(this.#end);
    yield* runOrFail([{ sql: `DELETE FROM main.${STREAM_TABLES.undo}`, params: [] }]);
  }

  *#undo(): Coroutine<void> {
    const newest = new OwnChanges(
      Math.max(this.#heard, this.#redoneUpTo),
      this.#end,
      this.#shapes,
      "descending",
    );
    for (let changes = yield* newest.next(); changes.length > 0; changes = yield* newest.next())
      for (const change of changes) yield* this.#takeBack(change);
    const sql = `SELECT cursor, rows FROM main.${STREAM_TABLES.undo} WHERE cursor > ? AND cursor < ? ORDER BY cursor DESC LIMIT ${UNDO_ENTRIES_PER_READ}`;
    for (let before = BigInt(this.#end + 1); ; ) {
      const entries = yield* io.querySql("writer", sql, [BigInt(this.#heard), before]);
      for (const [, rows] of entries) {
        const changes = decodeRows(rows as Uint8Array).map((row) => parseTapeRow(row, this.#shapes));
        for (const change of changes.reverse()) yield* this.#takeBack(change);
      }
      const last = entries.at(-1)?.[0];
      if (typeof last !== "bigint") break;
      before = last;
    }
    yield* this.#runner.flush();
  }

  /** The hub has these changes in this place: they are made for good. */
  *settle(upTo: number): Coroutine<void> {
    if (upTo <= this.#heard) return;
    yield* this.#redo(this.#heard, upTo, false);
    this.#heard = upTo;
  }

  /** Makes again what is left. */
  *redo(): Coroutine<void> {
    yield* this.#redo(this.#heard, this.#end, true);
    yield* runOrFail([setNamedValue(STREAM_VALUE.redoneUpTo, BigInt(this.#end))]);
  }

  *#takeBack(change: TapeChange): Coroutine<void> {
    // Schema changes stay: repeating them does nothing.
    if (change.type === "schema") return;
    yield* this.#runner.change(inverseOf(change));
  }

  *#redo(after: number, upTo: number, keepsUndo: boolean): Coroutine<void> {
    const own = new OwnChanges(after, Math.min(upTo, this.#end), this.#shapes, "ascending");
    for (let changes = yield* own.next(); changes.length > 0; changes = yield* own.next()) {
      yield* this.#runner.flush();
      const mark = yield* lastChangeId();
      for (const change of changes) {
        yield* this.#runner.change(change);
        if (keepsUndo) yield* this.#runner.statement(separator(change.changeId));
      }
      yield* this.#runner.flush();
      if (keepsUndo) yield* this.#keepUndo(mark);
      yield* this.#forgetRows(mark);
    }
  }

  /** Moves what was recorded since to the entries by which it is taken back. */
  *#keepUndo(mark: number): Coroutine<void> {
    const sql = `SELECT * FROM main.${TAPE_TABLE} WHERE id > ? ORDER BY id`;
    const entries: SqlStatement[] = [];
    let rows: SqlRow[] = [];
    for (const row of yield* io.querySql("writer", sql, [BigInt(mark)])) {
      if (Number(row[2]) !== TAPE_OPERATION.gap) {
        if (Number(row[2]) !== TAPE_OPERATION.schema) rows.push(row);
        continue;
      }
      if (rows.length > 0) {
        entries.push({
          sql: `INSERT INTO main.${STREAM_TABLES.undo} (cursor, rows) VALUES (?, ?)`,
          params: [row[4] ?? null, encodeRows(rows)],
        });
      }
      rows = [];
    }
    yield* runOrFail(entries);
  }

  *#forgetRows(mark: number): Coroutine<void> {
    yield* runOrFail([{ sql: `DELETE FROM main.${TAPE_TABLE} WHERE id > ?`, params: [BigInt(mark)] }]);
  }
}

/** Goes on the tape, for as long as the redo lasts, behind what a change has done. */
function separator(changeId: number): SqlStatement {
  return {
    sql: `INSERT INTO main.${TAPE_TABLE} (shape, op, v0) VALUES (0, ${TAPE_OPERATION.gap}, ?)`,
    params: [BigInt(changeId)],
  };
}

function inverseOf(change: RowChange): RowChange {
  const { changeId, parked, shape } = change;
  const base = { changeId, parked, shape };
  switch (change.type) {
    case "insert":
      return { ...base, type: "delete", before: change.after };
    case "delete":
      return { ...base, type: "insert", after: change.before };
    case "update":
      return { ...base, type: "update", before: change.after, after: change.before };
  }
}
