import { createIfMissing } from "../capture/schema-changes.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import { classifyStatement } from "../sql/classify-statement.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import { lastChangeId } from "../tape/read-tape.js";
import { TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import type { ChangeGroup, ChangePackage } from "./change-package.js";
import { ChangeRunner } from "./change-runner.js";
import type { Rebase } from "./rebase.js";
import { resolveConflict } from "./resolve-conflict.js";
import { SnapshotRows } from "./snapshot-rows.js";
import type { InboundStreamOptions } from "./stream-options.js";
import { STREAM_TABLES } from "./stream-schema.js";
import type { StreamState } from "./stream-state.js";

/** Makes a row of the tape where a group had no effect, so that it has a cursor by which it is told to others. */
const MARK_GROUP_SQL = `INSERT INTO main.${TAPE_TABLE} (shape, op) SELECT 0, ${TAPE_OPERATION.gap} WHERE coalesce((SELECT max(id) FROM main.${TAPE_TABLE}), 0) + ? <= max(?, coalesce((SELECT last FROM main.${STREAM_TABLES.origin} ORDER BY first DESC LIMIT 1), 0))`;
/** Names the rows of the tape since the last group as those of one. */
const NAME_GROUP_SQL = `INSERT INTO main.${STREAM_TABLES.origin} (first, last, origin, origin_cursor, via) SELECT max(?, coalesce((SELECT last FROM main.${STREAM_TABLES.origin} ORDER BY first DESC LIMIT 1), 0)) + 1, (SELECT max(id) FROM main.${TAPE_TABLE}) + ?, ?, ?, ?`;

/**
 * Applies the packages of one unit, which become one transaction: those of a transaction of the sender that was split, or a
 * snapshot. Knows whose the changes are, and takes those of one site from one sender only.
 */
export class UnitApplier {
  readonly runner: ChangeRunner = new ChangeRunner();
  readonly #site: string;
  readonly #options: InboundStreamOptions;
  readonly #base: number;
  /** The id of the newest row of the tape before it. */
  readonly end: number;
  /** The changes of this site that the sender has, as far as it was heard. */
  heard = 0;
  /** Row and schema changes that were applied. */
  changes = 0;
  readonly #snapshotRows: SnapshotRows;
  readonly #onTheirWay: Set<string> = new Set();
  readonly #seen: Map<string, number> = new Map();
  #start = 0;

  constructor(site: string, options: InboundStreamOptions, state: StreamState) {
    this.#site = site;
    this.#options = options;
    this.#base = state.base;
    this.end = state.end - state.base;
    this.#snapshotRows = new SnapshotRows(this.runner);
  }

  /**
   * Applies one package.
   *
   * @param rebase Where the groups of this site have their place among the others.
   * @param isPart The rest of its transaction will be applied in another one.
   */
  *apply(change: ChangePackage, rebase: Rebase | undefined, isPart: boolean): Coroutine<void> {
    yield* this.runner.flush();
    this.#start = (yield* lastChangeId()) + this.#base;
    for (const group of change.groups) {
      if (group.origin === this.#site) {
        if (rebase !== undefined) yield* rebase.settle(group.originCursor);
      } else if (!group.isWithheld) {
        if (change.snapshot === undefined) yield* this.#checkWay(group.origin);
        yield* this.#applyGroup(group, change, isPart);
      }
    }
    yield* this.runner.flush();
  }

  /** Notes how far a package has brought each site, once the whole unit is applied. */
  note(change: ChangePackage): void {
    for (const { origin, originCursor, isWithheld } of change.groups) {
      // Of what was left out only a snapshot says that it is in it.
      if (origin === this.#site) this.heard = Math.max(this.heard, originCursor);
      else if (!isWithheld || change.snapshot !== undefined) {
        this.#seen.set(origin, Math.max(this.#seen.get(origin) ?? 0, originCursor));
      }
    }
  }

  /** Saves what was noted. */
  *saveSeen(): Coroutine<void> {
    const sql = `INSERT INTO main.${STREAM_TABLES.seen} (origin, cursor, via) VALUES (?, ?, ?) ON CONFLICT (origin) DO UPDATE SET cursor = max(cursor, excluded.cursor), via = excluded.via`;
    for (const [origin, cursor] of this.#seen) {
      yield* this.runner.statement({ sql, params: [origin, BigInt(cursor), this.#options.from] });
    }
    yield* this.runner.flush();
  }

  /**
   * By two ways changes of one site would come twice, or not in their order, and what one of the ways leaves out would not
   * be told from what is here. With a snapshot the sender takes over, since all that it has is in there.
   */
  *#checkWay(origin: string): Coroutine<void> {
    if (this.#onTheirWay.has(origin)) return;
    const sql = `SELECT via FROM main.${STREAM_TABLES.seen} WHERE origin = ?`;
    const via = (yield* io.querySql("writer", sql, [origin]))[0]?.[0] ?? this.#options.from;
    if (via !== this.#options.from) {
      throw new SyncError(
        "invalid-state",
        `Changes of ${origin} come from ${this.#options.from}, and they come from ${String(via)} already: databases are to be linked as a tree. Have one of the two leave them out (excludeOrigins, localOnly, \`to\` with the name of this site), or begin with a snapshot.`,
      );
    }
    this.#onTheirWay.add(origin);
  }

  /**
   * At a spoke, a table that the hub has made otherwise gives way to the hub's: it was emptied, and values of columns that it
   * lacks would be left out.
   */
  *#makeWay(sql: string): Coroutine<void> {
    const kind = classifyStatement(sql);
    if (this.#options.rebase !== true || kind.type !== "schema") return;
    if (kind.verb !== "create" || kind.object !== "table") return;
    const found = "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE";
    const [here] = yield* io.querySql("writer", found, [kind.name]);
    if (here === undefined || createIfMissing(String(here[0])) === sql) return;
    yield* this.runner.change({ type: "schema", sql: `DROP TABLE ${quoteIdentifier(kind.name)}` });
  }

  *#applyGroup(group: ChangeGroup, { snapshot }: ChangePackage, isPart: boolean): Coroutine<void> {
    const { resolveConflict: decide } = this.#options;
    for (const change of group.changes) {
      if (snapshot !== undefined && change.type === "schema") yield* this.#makeWay(change.sql);
      if (snapshot !== undefined && change.type === "insert") yield* this.#snapshotRows.insert(change);
      else if (decide !== undefined && snapshot === undefined && change.type !== "schema") {
        yield* resolveConflict(this.runner, change, group, decide);
      } else yield* this.runner.change(change);
    }
    this.changes += group.changes.length;
    // Half a group is not known as the group: who gets it from here would take the other half for a repeat.
    const originCursor = isPart ? 0 : group.originCursor;
    const [base, start] = [BigInt(this.#base), BigInt(this.#start)];
    yield* this.runner.statement({ sql: MARK_GROUP_SQL, params: [base, start] });
    yield* this.runner.statement({
      sql: NAME_GROUP_SQL,
      params: [start, base, group.origin, BigInt(originCursor), this.#options.from],
    });
  }
}
