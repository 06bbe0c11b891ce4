import {
  applyChanges,
  type Coroutine,
  checkpoint,
  closeReplica,
  pushChanges,
  repairReplica,
  waitChanges,
} from "@tributary/core";
import { expect, onTestFinished, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { type CrashReplica, crashConfig, openIn, pull } from "./support/crash-replica.js";
import { RESTING } from "./support/data-sets.js";
import type { ForkableRemote } from "./support/forkable-remote.js";
import { copyOf, replicaWith } from "./support/prepared-run.js";

/** A replica at rest that has pushed before, so that the table of positions is there. */
async function replicaAtRest(): Promise<{ replica: CrashReplica; remote: ForkableRemote }> {
  const { replica, remote } = await replicaWith(RESTING);
  const { run, session, db } = replica;
  await run(pull(session));
  db.exec("UPDATE notes SET body = 'pushed' WHERE id = 3");
  await run(pushChanges(session));
  await run(pull(session));
  return { replica, remote };
}

/** Runs a procedure and tells what it is about to ask for. */
function* telling<T>(procedure: Coroutine<T>, tell: (method: string) => void): Coroutine<T> {
  let step = procedure.next();
  while (!step.done) {
    tell(step.value.method);
    try {
      step = procedure.next(yield step.value);
    } catch (error) {
      step = procedure.throw(error);
    }
  }
  return step.value;
}

test("what was pushed comes back without a journal and without saving metadata", async () => {
  const { replica, remote } = await replicaAtRest();
  const { run, session, db } = replica;
  for (let stars = 1; stars <= 3; stars++) {
    db.prepare("UPDATE notes SET stars = ? WHERE id = 1").run(stars);
    remote.query(`UPDATE bulk SET body = '${stars} in place' WHERE id = 40`);
    await run(pushChanges(session));
    const counts = new Map<string, number>();
    const count = (method: string): void => void counts.set(method, (counts.get(method) ?? 0) + 1);
    expect(await run(telling(pull(session), count))).toBe(true);
    // The first of them saves the revert pages of the replica's own tables too.
    expect(counts.get("syncFile")).toBe(stars === 1 ? 2 : 1);
    expect(counts.get("replaceWholeFile")).toBeUndefined();
    expect(counts.get("removeFile")).toBeUndefined();
    expect(contentsOf(db)).toEqual(remote.contents());
    // Another transaction, on a tape that begins anew.
    db.exec("UPDATE notes SET body = 'one'; UPDATE notes SET body = 'two' WHERE id = 2");
    await run(pushChanges(session));
    await run(pull(session));
    expect(contentsOf(db)).toEqual(remote.contents());
  }
});

test("a pull that lacks what was pushed does not take it off the tape", async () => {
  const { replica, remote } = await replicaAtRest();
  const { run, session, db } = replica;
  remote.query("UPDATE bulk SET body = 'in place' WHERE id = 40");
  const changes = await run(waitChanges(session));
  if (changes === undefined) throw new Error("Nothing came.");
  db.exec("UPDATE notes SET stars = 2 WHERE id = 1");
  await run(pushChanges(session));
  // As from a remote that was restored and has lost the push.
  expect(await run(applyChanges(session, { ...changes, batchesSent: session.batchesSent }))).toBe(true);
  await run(changes.dispose());
  expect(db.prepare("SELECT stars FROM notes WHERE id = 1").pluck().get()).toBe(2);
  expect(db.prepare("SELECT count(*) FROM tributary_tape").pluck().get()).toBe(1);
});

test("what was written after the push is repeated", async () => {
  const { replica, remote } = await replicaAtRest();
  const { run, session, db } = replica;
  db.exec("UPDATE notes SET stars = 2 WHERE id = 1");
  await run(pushChanges(session));
  db.exec("UPDATE notes SET stars = 3 WHERE id = 2");
  await run(pull(session));
  expect(db.prepare("SELECT stars FROM notes WHERE id = 2").pluck().get()).toBe(3);
  await run(pushChanges(session));
  expect(remote.contents()).toEqual(contentsOf(db));
});

test("no transaction is split where one of an earlier tape ended", async () => {
  const { replica, remote } = await replicaAtRest();
  const { run, session, db } = replica;
  for (let stars = 1; stars <= 6; stars++) db.prepare("UPDATE notes SET stars = ? WHERE id = 1").run(stars);
  // A close that fails when it has saved where these transactions end.
  let locks = 0;
  const beginAfterFirst = (method: string): void => {
    if (method === "tryBeginWrite" && ++locks === 2) db.exec("BEGIN");
  };
  await expect(run(telling(closeReplica(session), beginAfterFirst))).rejects.toMatchObject({
    code: "database-busy",
  });
  db.exec("ROLLBACK");
  await run(pushChanges(session));
  const before = session.unsavedPages;
  await run(pull(session));
  expect(session.unsavedPages, "it was laid over").toBeGreaterThan(before);
  db.transaction(() => {
    for (let stars = 11; stars <= 17; stars++)
      db.prepare("UPDATE notes SET stars = ? WHERE id = 1").run(stars);
  })();
  const again = await openIn(copyOf(replica), remote.connect());
  onTestFinished(() => again.drop());
  await again.run(pushChanges(again.session));
  expect(again.session.batchesSent).toBe(1);
});

test("a repair does not take changes for pushed that only one of an earlier tape was", async () => {
  const { replica, remote } = await replicaAtRest();
  const { run, session, db } = replica;
  remote.query("UPDATE bulk SET body = 'in place' WHERE id = 40");
  await run(pull(session));
  db.exec("UPDATE notes SET stars = 2 WHERE id = 1");
  await run(pushChanges(session));
  // A checkpoint that has to be given up when it has saved the metadata.
  db.exec("BEGIN");
  await expect(run(checkpoint(session))).rejects.toMatchObject({ code: "database-busy" });
  db.exec("ROLLBACK");
  await run(pull(session));
  const elsewhere = await openIn(copyOf(replica), remote.connect());
  onTestFinished(() => elsewhere.drop());
  for (const stars of [3, 4]) {
    elsewhere.db.exec(`UPDATE notes SET stars = ${stars} WHERE id = 2`);
    await elsewhere.run(pushChanges(elsewhere.session));
    await elsewhere.run(pull(elsewhere.session));
  }
  db.exec("UPDATE notes SET stars = 9 WHERE id = 3");
  replica.drop();
  await run(repairReplica(crashConfig(replica.path)));
  const repaired = await openIn(replica.directory, remote.connect());
  onTestFinished(() => repaired.drop());
  await repaired.run(pushChanges(repaired.session));
  expect(remote.query("SELECT stars FROM notes ORDER BY id LIMIT 3")).toEqual([[2n], [4n], [9n]]);
});
