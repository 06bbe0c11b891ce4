import { join } from "node:path";
import {
  applyChanges,
  closeReplica,
  combinePorts,
  openReplica,
  type ProtocolIo,
  pushChanges,
  type RemoteBatch,
  type ReplicaSession,
  runAsync,
  runSync,
  SyncError,
  waitChanges,
} from "@tributary/core";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import { createMemoryRemote, createRandom, createVirtualClock } from "@tributary/testkit";
import { expect, test } from "vitest";
import { configOf } from "../support/engine.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** A replica of a remote in memory whose batches can be kept back. */
function prepare() {
  const remote = createMemoryRemote();
  remote.query("CREATE TABLE log (line); CREATE TABLE other (a)");
  const port = remote.connect();
  const late: RemoteBatch[] = [];
  let broken = true;
  const network: ProtocolIo = {
    ...port,
    runRemoteBatch(batch) {
      if (batch.repeatable || !broken) return port.runRemoteBatch(batch);
      late.push(batch);
      throw new SyncError("unreachable", "lost");
    },
  };
  const sql = createBetterSqlite3();
  const clock = createVirtualClock(createRandom(1));
  const ports = combinePorts({ files: createNodeStorage(), sql, remote: network, clock });
  const config = configOf(join(temporaryDirectory(), "replica.db"));
  return {
    remote,
    db: () => sql.db,
    open: () => runSync(openReplica(config), ports),
    push: (session: ReplicaSession) => runSync(pushChanges(session), ports),
    close: (session: ReplicaSession) => runSync(closeReplica(session), ports),
    pull(session: ReplicaSession) {
      const changes = runSync(waitChanges(session), ports);
      if (changes === undefined) return;
      expect(runSync(applyChanges(session, changes), ports)).toBe(true);
      runSync(changes.dispose(), ports);
    },
    /** From now on the network works, and what it kept back arrives. */
    arrive() {
      broken = false;
      for (const batch of late) port.runRemoteBatch(batch);
    },
  };
}

test("a batch that was given up and arrives after a pull is not applied a second time", () => {
  const { remote, db, open, push, pull, arrive, close } = prepare();
  const session = open();
  db().exec("INSERT INTO log VALUES ('mine')");
  expect(() => push(session)).toThrow("lost");
  remote.query("INSERT INTO other VALUES (1)");
  pull(session);
  arrive();
  expect(remote.query("SELECT line FROM log")).toEqual([]);
  push(session);
  pull(session);
  expect(remote.query("SELECT line FROM log")).toEqual([["mine"]]);
  close(session);
});

test("nor when the replica was closed and opened in between", () => {
  const { remote, db, open, push, pull, arrive, close } = prepare();
  const session = open();
  db().exec("INSERT INTO log VALUES ('mine')");
  expect(() => push(session)).toThrow("lost");
  close(session);
  const again = open();
  remote.query("INSERT INTO other VALUES (1)");
  pull(again);
  arrive();
  push(again);
  pull(again);
  expect(remote.query("SELECT line FROM log")).toEqual([["mine"]]);
  close(again);
});

test("a batch that arrives before the pull is taken, and not sent again", () => {
  const { remote, db, open, push, pull, arrive, close } = prepare();
  const session = open();
  db().exec("INSERT INTO log VALUES ('mine')");
  expect(() => push(session)).toThrow("lost");
  arrive();
  pull(session);
  expect(push(session)).toEqual({ changes: 0 });
  expect(remote.query("SELECT line FROM log")).toEqual([["mine"]]);
  close(session);
});

test("a pull whose fence is answered late does not take a push that began meanwhile for one that it contains", async () => {
  const remote = createMemoryRemote();
  remote.query("CREATE TABLE log (line)");
  const port = remote.connect();
  /** What happens to the next batches; those that are not named go through. */
  const fates: ("lost" | "answered late" | "under way")[] = ["lost"];
  const held: (() => void)[] = [];
  const hold = (): Promise<void> => new Promise((resolve) => held.push(resolve));
  const network: ProtocolIo = {
    ...port,
    runRemoteBatch(batch) {
      const isRead = batch.steps.length === 1;
      const fate = isRead ? undefined : fates.shift();
      if (fate === "lost") throw new SyncError("unreachable", "lost");
      if (fate === "under way") return hold().then(() => port.runRemoteBatch(batch));
      const answer = port.runRemoteBatch(batch);
      return fate === "answered late" ? hold().then(() => answer) : answer;
    },
  };
  const sql = createBetterSqlite3();
  const clock = createVirtualClock(createRandom(1));
  const ports = combinePorts({ files: createNodeStorage(), sql, remote: network, clock });
  const config = configOf(join(temporaryDirectory(), "replica.db"), { pushAttempts: 1 });
  const session = await runAsync(openReplica(config), ports);
  sql.db.exec("INSERT INTO log VALUES ('mine')");
  await expect(runAsync(pushChanges(session), ports)).rejects.toThrow("lost");
  remote.query("INSERT INTO log VALUES ('theirs')");
  fates.push("answered late", "under way");
  const pulling = runAsync(waitChanges(session), ports);
  const pushing = runAsync(pushChanges(session), ports);
  const [answerFence, runPush] = held;
  answerFence?.();
  const changes = await pulling;
  runPush?.();
  expect(await pushing).toEqual({ changes: 1 });
  if (changes === undefined) throw new Error("Nothing was pulled.");
  // Its pages lack what was pushed, so that applying them would make the tape send that once more.
  expect(await runAsync(applyChanges(session, changes), ports)).toBe(false);
  await runAsync(changes.dispose(), ports);
  expect(remote.query("SELECT line FROM log ORDER BY line")).toEqual([["mine"], ["theirs"]]);
  await runAsync(closeReplica(session), ports);
});
