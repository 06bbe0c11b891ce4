import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { setNamedValue } from "../engine/local-values.js";
import { runOrFail } from "../engine/run-or-fail.js";
import { SyncError } from "../errors/sync-error.js";
import { lastChangeId } from "../tape/read-tape.js";
import type { SqlValue } from "../values/sql-value.js";
import type { ChangePackage } from "./change-package.js";
import { OwnChanges } from "./own-changes.js";
import { decodeChangePackage, encodeChangePackage } from "./package-binary.js";
import { Rebase } from "./rebase.js";
import { rowNames } from "./row-names.js";
import type { SchemaState } from "./schema-state.js";
import { emptyTables, rebuildTextIndexes } from "./snapshot-rows.js";
import type { AppliedPackage, InboundStreamOptions } from "./stream-options.js";
import { readPeer, SNAPSHOT_UNDER_WAY } from "./stream-peers.js";
import { CREATE_UNDO_TABLE, STREAM_TABLES, STREAM_VALUE } from "./stream-schema.js";
import { judgePackage, positionOf, readSource, type StreamSource } from "./stream-source.js";
import { readStreamState, readStreamValue } from "./stream-state.js";
import { UnitApplier } from "./unit-applier.js";
import { hasEffects, withoutEffects } from "./without-effects.js";
import { writing } from "./write-transaction.js";

/** What packages are applied for. */
export interface PackageReceiver {
  readonly site: string;
  readonly options: InboundStreamOptions;
  readonly schema: SchemaState;
  /** Version of the schema that the writer's capture was last seen to fit. */
  captured: SqlValue;
  /** Called in the transaction of each package that was applied. */
  readonly afterApply: () => Coroutine<void>;
}

/**
 * Applies a package, with those that wait for it, or keeps it until its transaction is complete. In one transaction with
 * the cursor, or not at all.
 *
 * @param payload The package in the binary form, where it came in that.
 */
export function* receivePackage(
  receiver: PackageReceiver,
  change: ChangePackage,
  payload: Uint8Array | undefined,
): Coroutine<AppliedPackage> {
  const { options } = receiver;
  if (change.site !== options.from) {
    const message = `The package is one of ${change.site}, and this stream takes those of ${options.from}.`;
    throw new SyncError("invalid-state", message);
  }
  const source = yield* readSource(change.site);
  const judged = judgePackage(change, source, options.since ?? 0);
  const bytes = (): Uint8Array => payload ?? encodeChangePackage(change);
  const isRepeat = judged === "repeat" || (judged === "begin" && (yield* isWaiting(change, bytes, source)));
  const cursor = positionOf(source)?.cursor ?? 0;
  if (isRepeat) return { status: "repeat", cursor, changes: 0, sameSchema: undefined };
  const kept = judged === "begin" ? { ...source, waiting: undefined } : source;
  const begin = function* (): Coroutine<void> {
    if (judged === "begin") yield* dropWaiting(change.site);
  };
  if (!isEnd(change) && !(options.applyParts === true && change.snapshot === undefined)) {
    yield* writing(function* () {
      yield* begin();
      yield* park(change.site, kept, bytes());
    });
    const isSnapshot = change.snapshot !== undefined;
    return { status: "parked", cursor: isSnapshot ? cursor : change.to, changes: 0, sameSchema: undefined };
  }
  let schemaChanged = false;
  let captured: SqlValue = null;
  try {
    const result = yield* writing(function* (): Coroutine<AppliedPackage> {
      yield* begin();
      // The app may have changed the schema, of which the writer's triggers know nothing.
      if ((yield* receiver.schema.version()) !== receiver.captured) yield* io.refreshCapture("writer");
      const unit = yield* applyUnit(receiver, change, kept);
      schemaChanged = unit.runner.schemaChanged;
      yield* receiver.afterApply();
      const hash = isEnd(change) ? yield* receiver.schema.hash() : undefined;
      const sameSchema = hash === undefined ? undefined : hash === change.schemaHash;
      captured = yield* receiver.schema.version();
      return { status: "applied", cursor: change.to, changes: unit.changes, sameSchema };
    });
    receiver.captured = captured;
    return result;
  } catch (error) {
    throw asForeignKeyConflict(error);
  } finally {
    if (schemaChanged) yield* io.refreshCapture("app");
  }
}

function isEnd({ snapshot, endsTransaction }: ChangePackage): boolean {
  return snapshot?.isLast ?? endsTransaction;
}

/** Whether a first part of a snapshot is here already: not another snapshot of the same state, which may be cut otherwise. */
function* isWaiting(
  change: ChangePackage,
  bytes: () => Uint8Array,
  { waiting }: StreamSource,
): Coroutine<boolean> {
  if (change.snapshot === undefined || waiting?.change.snapshot === undefined) return false;
  const sql = `SELECT 1 FROM main.${STREAM_TABLES.part} WHERE site = ? AND number = 0 AND payload = ?`;
  return (yield* io.querySql("writer", sql, [change.site, bytes()])).length > 0;
}

function* park(site: string, { waiting }: StreamSource, payload: Uint8Array): Coroutine<void> {
  const number = waiting === undefined ? 0 : waiting.number + 1;
  const sql = `INSERT INTO main.${STREAM_TABLES.part} (site, number, payload) VALUES (?, ?, ?)`;
  yield* runOrFail([{ sql, params: [site, BigInt(number), payload] }]);
}

function* dropWaiting(site: string): Coroutine<void> {
  yield* runOrFail([{ sql: `DELETE FROM main.${STREAM_TABLES.part} WHERE site = ?`, params: [site] }]);
}

/** Calls `visit` with each package of the unit, decoding one at a time. */
function* eachPackage(
  change: ChangePackage,
  { waiting }: StreamSource,
  visit: (change: ChangePackage) => Coroutine<void>,
): Coroutine<void> {
  const sql = `SELECT payload FROM main.${STREAM_TABLES.part} WHERE site = ? AND number = ?`;
  for (let number = 0; waiting !== undefined && number <= waiting.number; number++) {
    const [row] = yield* io.querySql("writer", sql, [change.site, BigInt(number)]);
    yield* visit(decodeChangePackage(row?.[0] as Uint8Array));
  }
  yield* visit(change);
}

function* applyUnit(
  receiver: PackageReceiver,
  change: ChangePackage,
  source: StreamSource,
): Coroutine<UnitApplier> {
  const { site, options } = receiver;
  const state = yield* readStreamState();
  const applier = new UnitApplier(site, options, state);
  // A new epoch, or a snapshot, says exactly how far it is.
  applier.heard = change.snapshot === undefined ? source.heard : 0;
  // What a step breaks a later one mends.
  yield* io.executeSql("writer", "PRAGMA defer_foreign_keys = ON");
  const isSnapshot = change.snapshot !== undefined;
  const isSpoke = options.rebase === true;
  const rebase = isSpoke && !isSnapshot ? yield* beginRebase(receiver, change, source, applier) : undefined;
  const isPart = !isEnd(change);
  if (rebase !== undefined) yield* rebase.undo();
  const applyAll = (): Coroutine<void> =>
    eachPackage(change, source, (each) => applier.apply(each, rebase, isPart));
  if (isSnapshot) {
    yield* withoutEffects(function* () {
      if (isSpoke) yield* emptyTables(applier.runner);
      yield* applyAll();
    });
    // Parts that were applied when they came wait only to be noted.
  } else if (options.applyParts === true) yield* applier.apply(change, rebase, isPart);
  else yield* applyAll();
  if (isPart) {
    yield* park(change.site, source, encodeChangePackage(withoutChanges(change)));
    return applier;
  }
  // biome-ignore lint/correctness/useYield: a visitor may have to ask; this one need not.
  yield* eachPackage(change, source, function* (each) {
    applier.note(each);
  });
  if (isSpoke && isSnapshot) {
    const ended = yield* newRebase(receiver, applier, applier.heard);
    yield* ended.redo();
  }
  if (rebase !== undefined) yield* rebase.redo();
  if (isSnapshot) yield* rebuildTextIndexes();
  yield* applier.saveSeen();
  yield* dropWaiting(change.site);
  yield* saveSource(change, applier.heard, options);
  return applier;
}

function withoutChanges(change: ChangePackage): ChangePackage {
  return { ...change, groups: change.groups.map((group) => ({ ...group, changes: [] })) };
}

function* saveSource(
  { site, epoch, to }: ChangePackage,
  heard: number,
  { rebase }: InboundStreamOptions,
): Coroutine<void> {
  const sql = `INSERT INTO main.${STREAM_TABLES.source} (site, epoch, cursor, heard) VALUES (?, ?, ?, ?) ON CONFLICT (site) DO UPDATE SET epoch = excluded.epoch, cursor = excluded.cursor, heard = excluded.heard`;
  yield* runOrFail([{ sql, params: [site, BigInt(epoch), BigInt(to), BigInt(heard)] }]);
  if (rebase !== true) return;
  yield* runOrFail([
    { sql: `DELETE FROM main.${STREAM_TABLES.undo} WHERE cursor <= ?`, params: [BigInt(heard)] },
  ]);
}

/**
 * Makes the database a spoke of a hub, whose order it follows from now on. Fails with `invalid-state` where it is one of
 * another hub, or has receivers beside the hub, and with `database-busy`.
 */
export function* becomeSpoke(site: string): Coroutine<void> {
  if ((yield* readStreamValue("rebaseFrom")) === site) return;
  yield* writing(() => noteHub(site));
  // From now on more is recorded, on both connections.
  yield* io.refreshCapture("app");
}

function* noteHub(site: string): Coroutine<void> {
  const hub = yield* readStreamValue("rebaseFrom");
  if (hub !== null) {
    throw new SyncError(
      "invalid-state",
      `This database is a spoke of ${String(hub)}: only one sender can decide on the order of its changes.`,
    );
  }
  const sql = `SELECT name FROM main.${STREAM_TABLES.peer} WHERE name <> ? LIMIT 1`;
  const [other] = yield* io.querySql("writer", sql, [site]);
  if (other !== undefined) {
    throw new SyncError(
      "invalid-state",
      `This database has the receiver ${String(other[0])}, and a spoke (\`rebase\`) may have none but its hub: link that one to the hub, and forgetPeer it here.`,
    );
  }
  yield* checkIsOnTape(site);
  yield* io.executeSql("writer", CREATE_UNDO_TABLE);
  yield* runOrFail([setNamedValue(STREAM_VALUE.rebaseFrom, site)]);
  yield* io.refreshCapture("writer");
}

/** The hub's first snapshot leaves nothing but what it has and what is on the tape here: no row may be lost with it. */
function* checkIsOnTape(hub: string): Coroutine<void> {
  const isPartial = (yield* readStreamValue("hasOlderRows")) !== null;
  if (!isPartial && (yield* readStreamState()).trimmedUpTo === 0) return;
  const known = yield* readPeer(hub);
  if (known !== undefined && known.sent !== SNAPSHOT_UNDER_WAY && !known.isBehind) return;
  throw new SyncError(
    "invalid-state",
    `This database has rows that are not among its kept changes, from before it was captured or long ago, and the hub ${hub} would delete them. Link it to the hub without \`rebase\` first, which sends all rows, and with it when \`flush\` has resolved; or begin with a new file.`,
  );
}

/**
 * Begins a rebase, where there is something to take back: local changes that the hub does not have, of rows that the
 * package touches too. Where they touch other rows, the order of the two does not matter.
 */
function* beginRebase(
  receiver: PackageReceiver,
  change: ChangePackage,
  source: StreamSource,
  applier: UnitApplier,
): Coroutine<Rebase | undefined> {
  const shapes = yield* receiver.schema.shapes();
  const own = new OwnChanges(source.heard, yield* lastChangeId(), shapes, "ascending");
  if (!(yield* touchesOwn(receiver.site, change, source, own))) return undefined;
  return yield* newRebase(receiver, applier, source.heard);
}

function* newRebase(
  { schema }: PackageReceiver,
  { runner, end }: UnitApplier,
  heard: number,
): Coroutine<Rebase> {
  const redoneUpTo = Number((yield* readStreamValue("redoneUpTo")) ?? 0);
  return new Rebase(runner, yield* schema.shapes(), { end, redoneUpTo, heard });
}

/** Whether a package and own changes may be about the same rows. */
function* touchesOwn(
  site: string,
  change: ChangePackage,
  { waiting }: StreamSource,
  own: OwnChanges,
): Coroutine<boolean> {
  let changes = yield* own.next();
  if (changes.length === 0) return false;
  // A snapshot, and a transaction of many packages, touches too much to be looked through; triggers touch who knows what.
  if (change.snapshot !== undefined || waiting !== undefined || (yield* hasEffects())) return true;
  const touched = new Set<string>();
  for (const group of change.groups) {
    if (group.origin === site) continue;
    for (const each of group.changes) {
      const names = rowNames(each);
      if (names === undefined) return true;
      for (const name of names) touched.add(name);
    }
  }
  if (touched.size === 0) return false;
  for (; changes.length > 0; changes = yield* own.next()) {
    for (const each of changes) {
      const names = rowNames(each);
      if (names === undefined || names.some((name) => touched.has(name))) return true;
    }
  }
  return false;
}

/** Foreign keys are checked with the commit, because steps may mend what earlier steps broke. */
function asForeignKeyConflict(error: unknown): unknown {
  if (!(error instanceof SyncError) || error.details.sqlCode !== "SQLITE_CONSTRAINT_FOREIGNKEY") return error;
  if (error.code === "replay-conflict") return error;
  return new SyncError(
    "replay-conflict",
    "The package refers to a row that is not here. Mend the rows here, then apply it again; nothing was changed.",
    { sqlCode: error.details.sqlCode, cause: error },
  );
}
