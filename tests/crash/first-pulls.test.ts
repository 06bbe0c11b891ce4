import { closeReplica } from "@tributary/core";
import { expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { type CrashReplica, pull, reopen } from "./support/crash-replica.js";
import { RESTING } from "./support/data-sets.js";
import { replicaWith } from "./support/prepared-run.js";

/** Pulls, and says whether the pull was laid over. */
async function isLaidOver({ run, session }: CrashReplica): Promise<boolean> {
  const before = session.unsavedPages;
  expect(await run(pull(session))).toBe(true);
  return session.unsavedPages > before;
}

test("the first pull of a replica is laid over, whether it is new or was closed", async () => {
  const { replica, remote } = await replicaWith(RESTING);
  expect(await isLaidOver(replica)).toBe(true);
  expect(contentsOf(replica.db)).toEqual(remote.contents());
  let open = replica;
  for (const body of ["once", "twice"]) {
    await open.run(closeReplica(open.session));
    open = await reopen(open);
    remote.query(`UPDATE bulk SET body = '${body}' WHERE id = 40`);
    expect(await isLaidOver(open)).toBe(true);
    expect(contentsOf(open.db)).toEqual(remote.contents());
  }
});

test.each([
  ["was closed with a change", "UPDATE notes SET stars = 2 WHERE id = 1"],
  ["was written to past the tape", "ANALYZE"],
])("the first pull of a replica that %s is not", async (_what, sql) => {
  const { replica, remote } = await replicaWith(RESTING);
  const { run, session, db } = replica;
  expect(await isLaidOver(replica)).toBe(true);
  db.exec(sql);
  const before = contentsOf(db).notes;
  await run(closeReplica(session));
  const reopened = await reopen(replica);
  remote.query("UPDATE bulk SET body = 'in place' WHERE id = 40");
  expect(await isLaidOver(reopened)).toBe(false);
  expect(contentsOf(reopened.db).notes).toEqual(before);
});
