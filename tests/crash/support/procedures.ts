import {
  type Coroutine,
  checkpoint,
  closeReplica,
  pushChanges,
  resumeApply,
  runAsync,
  stats,
} from "@tributary/core";
import { createFailingPorts } from "@tributary/testkit";
import { settle } from "../../../packages/core/src/engine/checkpoint.js";
import { FORGOTTEN, saveMetadata } from "../../../packages/core/src/engine/replica-session.js";
import { type CrashReplica, pull } from "./crash-replica.js";
import {
  CONFLICT,
  contentsMerged,
  type DataSet,
  FOLLOWING,
  NEVER_SETTLED,
  RESTING,
  SCHEMA_CHANGES,
  SEVERAL_TABLES,
  SHRINKING,
  SHRINKING_LOCALLY,
} from "./data-sets.js";
import type { ForkableRemote } from "./forkable-remote.js";
import {
  type CrashProcedure,
  copyOf,
  crashedBefore,
  nth,
  ofCreation,
  ofOpen,
  ofOpening,
  ofRepair,
  type RequestPicker,
} from "./prepared-run.js";

const GUARD_BEGINS: RequestPicker = (method, args) =>
  method === "executeSql" && args[0] === "guard" && args[1] === "BEGIN";
const SAVES_METADATA: RequestPicker = (method) => method === "replaceWholeFile";
const REMOVES_JOURNAL: RequestPicker = (method, args) =>
  method === "removeFile" && String(args[0]).endsWith("-replay");

/** A checkpoint that is cut off cannot be told from another program's: then the next pull downloads all. */
const MAY_FORGET = { mayForget: true };

/** What both sides do after a first pull. */
const LATER = ["INSERT INTO log VALUES ('later')", "DELETE FROM notes WHERE id = 2"];
const REMOTE_LATER = "INSERT INTO log VALUES ('remote, later'); UPDATE bulk SET body = 'later' WHERE id = 20";
const GOING_ON: DataSet = {
  ...SEVERAL_TABLES,
  unsettled: [...SEVERAL_TABLES.unsettled, ...LATER],
  remote: `${SEVERAL_TABLES.remote}; ${REMOTE_LATER}`,
};

/** What the remote changes in pages that it has, one after another, and the replica once it has pulled the first. */
const IN_PLACE = [
  "UPDATE notes SET stars = 8 WHERE id = 2",
  "UPDATE bulk SET body = 'in place' WHERE id = 40",
] as const;
const IN_PLACE_LOCALLY = [
  "UPDATE notes SET body = 'local' WHERE id = 2",
  "UPDATE bulk SET body = 'local' WHERE id <= 3",
];
/** After so many of them. */
const inPlace = (count: number, unsettled: readonly string[] = []): DataSet => ({
  ...RESTING,
  unsettled,
  remote: [RESTING.remote, ...IN_PLACE.slice(0, count)].join("; "),
});
/** Of a replica with changes of its own on top of the first. */
const ON_TOP = {
  shown: [contentsMerged(inPlace(1, IN_PLACE_LOCALLY)), contentsMerged(inPlace(2, IN_PLACE_LOCALLY))],
  merged: contentsMerged(inPlace(2, IN_PLACE_LOCALLY)),
  pending: [4],
};

/** What a replica at rest changes and pushes, which then comes back. */
const PUSHED = [
  "UPDATE notes SET body = 'pushed', stars = 1 WHERE id = 3",
  "UPDATE notes SET stars = 2 WHERE id = 1",
];
const COMES_BACK: DataSet = {
  ...RESTING,
  unsettled: PUSHED,
  remote: [RESTING.remote, IN_PLACE[1]].join("; "),
};

/** Pushes once and pulls it back, which makes the table of positions; then pushes in place. */
async function pushTwice(replica: CrashReplica, remote: ForkableRemote): Promise<void> {
  await pullNow(replica);
  for (const [index, sql] of PUSHED.entries()) {
    replica.db.exec(sql);
    await pushNow(replica);
    if (index === 0) await pullNow(replica);
  }
  remote.query(IN_PLACE[1]);
}

/** A pull that is laid over, and does not fall back to the long way. */
function* layOver({ session }: CrashReplica): Coroutine<void> {
  const before = session.unsavedPages;
  yield* pull(session);
  if (session.unsavedPages === before) throw new Error("The pull was not laid over.");
}

/** Brings a replica to rest, lays one pull over it, and goes on. */
async function layOverOne(
  replica: CrashReplica,
  remote: ForkableRemote,
  then: readonly string[],
): Promise<void> {
  await pullNow(replica);
  remote.query(IN_PLACE[0]);
  await replica.run(layOver(replica));
  for (const sql of then) replica.db.exec(sql);
  remote.query(IN_PLACE[1]);
}

async function pullNow({ run, session }: CrashReplica): Promise<void> {
  await run(pull(session));
}

async function pushNow({ run, session }: CrashReplica): Promise<void> {
  await run(pushChanges(session));
}

/** An apply that could not be finished: the disk was gone after its publish. */
async function pullUnfinished({ session, ports }: CrashReplica): Promise<void> {
  const failing = createFailingPorts(ports);
  failing.fail({ call: 1, calls: Number.POSITIVE_INFINITY, errno: "EIO", method: "tryBeginWrite" });
  let begun = 0;
  const later = {
    ...failing.ports,
    // The first is that of the publish.
    tryBeginWrite: (waitMs?: number) => (begun++ === 0 ? ports : failing.ports).tryBeginWrite(waitMs),
  };
  await runAsync(pull(session), later).catch(() => {});
  if (!session.applyPending) throw new Error("The apply was finished.");
}

const MERGED = contentsMerged(SEVERAL_TABLES);

/** Batches that the remote has are pending no more. */
const AT_MOST_ALL = Array.from({ length: 23 }, (_, pending) => pending);

/** Every engine procedure that touches files. A further one takes an entry here and nothing else. */
export const PROCEDURES: readonly CrashProcedure[] = [
  ofCreation("creating a replica"),
  ofCreation("creating a replica in chunks", { pullBytesThreshold: 5 * 4096 }),
  ofCreation("creating an empty replica", { bootstrapIfEmpty: false }),
  ofOpening("opening after a close", SEVERAL_TABLES, async (replica) => {
    await replica.run(closeReplica(replica.session));
    return replica.directory;
  }),
  ofOpening("opening after a crash", SEVERAL_TABLES, async (replica) => copyOf(replica)),
  ofOpening("opening after a crash without revert pages", NEVER_SETTLED, async (replica) => copyOf(replica)),
  ofOpening("opening before a replay", SEVERAL_TABLES, (replica) =>
    crashedBefore(replica, pull(replica.session), nth(1, GUARD_BEGINS)),
  ),
  ofOpening(
    "opening after a replay",
    SEVERAL_TABLES,
    (replica) => crashedBefore(replica, pull(replica.session), nth(1, SAVES_METADATA)),
    { expected: { shown: [MERGED], isReplayed: true } },
  ),
  ofOpening(
    "opening at the end of an apply",
    SEVERAL_TABLES,
    (replica) => crashedBefore(replica, pull(replica.session), nth(1, REMOVES_JOURNAL)),
    { expected: { shown: [MERGED], isReplayed: true } },
  ),
  ofOpening("opening after laying over", RESTING, async (replica) => copyOf(replica), {
    expected: ON_TOP,
    setUp: (replica, remote) => layOverOne(replica, remote, IN_PLACE_LOCALLY),
  }),
  ofOpening("opening before a replay that fails", CONFLICT, (replica) =>
    crashedBefore(replica, pull(replica.session), nth(1, GUARD_BEGINS)),
  ),
  ofOpening("opening after an undone publish", CONFLICT, (replica) =>
    crashedBefore(replica, pull(replica.session), nth(2, GUARD_BEGINS)),
  ),
  ofOpen("a pull", SEVERAL_TABLES, ({ session }) => pull(session)),
  ofOpen("a pull without revert pages", NEVER_SETTLED, ({ session }) => pull(session)),
  ofOpen("a pull without local changes", FOLLOWING, ({ session }) => pull(session)),
  ofOpen("laying a pull over", RESTING, layOver, {
    expected: {
      shown: [contentsMerged(inPlace(0)), contentsMerged(inPlace(1))],
      merged: contentsMerged(inPlace(1)),
    },
    async setUp(replica, remote) {
      await pullNow(replica);
      remote.query(IN_PLACE[0]);
    },
  }),
  ofOpen("laying another pull over", RESTING, layOver, {
    expected: {
      shown: [contentsMerged(inPlace(1)), contentsMerged(inPlace(2))],
      merged: contentsMerged(inPlace(2)),
    },
    setUp: (replica, remote) => layOverOne(replica, remote, []),
  }),
  ofOpen("laying over a pull that brings back what was pushed", RESTING, layOver, {
    expected: {
      shown: [contentsMerged({ ...COMES_BACK, remote: RESTING.remote }), contentsMerged(COMES_BACK)],
      merged: contentsMerged(COMES_BACK),
      // After a crash it is not known what was pushed.
      pending: [0, 1],
    },
    setUp: pushTwice,
  }),
  ofOpening("opening after laying over what was pushed", RESTING, async (replica) => copyOf(replica), {
    expected: { shown: [contentsMerged(COMES_BACK)], merged: contentsMerged(COMES_BACK) },
    async setUp(replica, remote) {
      await pushTwice(replica, remote);
      await replica.run(layOver(replica));
    },
  }),
  ofOpen("a pull after laying over", RESTING, ({ session }) => pull(session), {
    expected: ON_TOP,
    setUp: (replica, remote) => layOverOne(replica, remote, IN_PLACE_LOCALLY),
  }),
  ofOpen("a pull that shrinks the database", SHRINKING, ({ session }) => pull(session)),
  ofOpen("a pull into a database that shrank", SHRINKING_LOCALLY, ({ session }) => pull(session)),
  ofOpen("a pull with schema changes on both sides", SCHEMA_CHANGES, ({ session }) => pull(session)),
  ofOpen("a pull that is undone", CONFLICT, ({ session }) => pull(session), { failsWith: "replay-conflict" }),
  ofOpen("a pull after a pull", SEVERAL_TABLES, ({ session }) => pull(session), {
    expected: {
      shown: [contentsMerged({ ...GOING_ON, remote: SEVERAL_TABLES.remote }), contentsMerged(GOING_ON)],
      merged: contentsMerged(GOING_ON),
      pending: [24],
    },
    async setUp(replica, remote) {
      await pullNow(replica);
      for (const sql of LATER) replica.db.exec(sql);
      remote.query(REMOTE_LATER);
    },
  }),
  ofOpen("a pull after a push", SEVERAL_TABLES, ({ session }) => pull(session), {
    expected: { pending: [0, 22] },
    setUp: pushNow,
  }),
  ofOpen("a pull of everything", SEVERAL_TABLES, ({ session }) => pull(session), {
    expected: MAY_FORGET,
    async setUp({ session, run }) {
      await run(session.pages.forget());
      await run(saveMetadata(session, FORGOTTEN));
    },
  }),
  ofOpen("finishing an apply", SEVERAL_TABLES, ({ session }) => resumeApply(session), {
    setUp: pullUnfinished,
  }),
  ofOpen("a push", SEVERAL_TABLES, ({ session }) => pushChanges(session), {
    expected: { pending: AT_MOST_ALL },
  }),
  ofOpen("a push after a pull", SEVERAL_TABLES, ({ session }) => pushChanges(session), {
    expected: { shown: [MERGED], pending: AT_MOST_ALL },
    setUp: pullNow,
  }),
  ofOpen("a checkpoint", SEVERAL_TABLES, ({ session }) => checkpoint(session), { expected: MAY_FORGET }),
  ofOpen("a checkpoint after a pull", SEVERAL_TABLES, ({ session }) => checkpoint(session), {
    expected: { shown: [MERGED], ...MAY_FORGET },
    setUp: pullNow,
  }),
  ofOpen("a checkpoint after laying over", RESTING, ({ session }) => checkpoint(session), {
    expected: { ...ON_TOP, ...MAY_FORGET },
    setUp: (replica, remote) => layOverOne(replica, remote, IN_PLACE_LOCALLY),
  }),
  ofRepair("repairing after a close", SEVERAL_TABLES, async (replica) => {
    await replica.run(closeReplica(replica.session));
    return replica.directory;
  }),
  ofRepair("repairing after a crash", NEVER_SETTLED, async (replica) => copyOf(replica)),
  ofRepair("repairing before a replay", SEVERAL_TABLES, (replica) =>
    crashedBefore(replica, pull(replica.session), nth(1, GUARD_BEGINS)),
  ),
  ofOpen("settling", SEVERAL_TABLES, ({ session }) => settle(session)),
  ofOpen("saving the metadata", SEVERAL_TABLES, ({ session }) => saveMetadata(session, { lastPushAt: 1 })),
  ofOpen("closing", SEVERAL_TABLES, ({ session }) => closeReplica(session), { expected: MAY_FORGET }),
  ofOpen("closing after a pull", SEVERAL_TABLES, ({ session }) => closeReplica(session), {
    expected: { shown: [MERGED], ...MAY_FORGET },
    setUp: pullNow,
  }),
  ofOpen("reading the stats", SEVERAL_TABLES, ({ session }) => stats(session)),
];
