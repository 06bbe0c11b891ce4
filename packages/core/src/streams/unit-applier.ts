import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
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
const NAME_GROUP_SQL = `INSERT INTO main.${STREAM_TABLES.origin} (first, last, origin, origin_cursor) SELECT max(?, coalesce((SELECT last FROM main.${STREAM_TABLES.origin} ORDER BY first DESC LIMIT 1), 0)) + 1, (SELECT max(id) FROM main.${TAPE_TABLE}) + ?, ?, ?`;

/**
 * Applies the packages of one unit, which become one transaction: those of a transaction of the sender that was split, or a
 * snapshot. Knows whose the changes are, and leaves out those that are here already by another way.
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
  /** What is captured has changed with it: the app's connection has to follow. */
  captureChanged = false;
  /** Row and schema changes that were applied. */
  changes = 0;
  readonly #snapshotRows: SnapshotRows;
  readonly #seenBefore: Map<string, number> = new Map();
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
      } else if (!group.isWithheld && !(yield* this.#isHere(group, change))) {
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
    const sql = `INSERT INTO main.${STREAM_TABLES.seen} (origin, cursor) VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET cursor = max(cursor, excluded.cursor)`;
    for (const [origin, cursor] of this.#seen) {
      yield* this.runner.statement({ sql, params: [origin, BigInt(cursor)] });
    }
    yield* this.runner.flush();
  }

  /** Whether the changes of a group have been applied before, when they came by another way. A snapshot overwrites them. */
  *#isHere({ origin, originCursor }: ChangeGroup, { snapshot }: ChangePackage): Coroutine<boolean> {
    if (snapshot !== undefined || originCursor === 0) return false;
    let seen = this.#seenBefore.get(origin);
    if (seen === undefined) {
      const sql = `SELECT cursor FROM main.${STREAM_TABLES.seen} WHERE origin = ?`;
      seen = Number((yield* io.querySql("writer", sql, [origin]))[0]?.[0] ?? 0);
      this.#seenBefore.set(origin, seen);
    }
    return originCursor <= seen;
  }

  *#applyGroup(group: ChangeGroup, { snapshot }: ChangePackage, isPart: boolean): Coroutine<void> {
    const { resolveConflict: decide } = this.#options;
    for (const change of group.changes) {
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
      params: [start, base, group.origin, BigInt(originCursor)],
    });
  }
}
