import { join } from "node:path";
import { createSyncServer } from "@tributary/server";
import { expect, onTestFinished, test } from "vitest";
import { replicaOf } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const URL = "http://remote.test";

test("a push to a database that stays locked fails as one that takes too long, and works when the lock is gone", async () => {
  const server = createSyncServer({
    path: join(temporaryDirectory(), "server.db"),
    lockTimeoutMs: 20,
    maxWorkers: 0,
  });
  onTestFinished(() => server.close());
  const run = async (baton: string | null, ...sql: string[]): Promise<string | null> => {
    const requests = sql.map((text) => ({ type: "execute", stmt: { sql: text } }));
    const request = new Request(`${URL}/v2/pipeline`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ baton, requests }),
    });
    return ((await (await server.fetch(request)).json()) as { baton: string | null }).baton;
  };
  await run(null, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const replica = await replicaOf(URL, { fetch: (input, init) => server.fetch(new Request(input, init)) });
  replica.db.exec("INSERT INTO t VALUES (1)");
  const baton = await run(null, "BEGIN IMMEDIATE");
  await expect(replica.push()).rejects.toMatchObject({ code: "timeout", blame: "network" });
  expect((await replica.stats()).pendingChanges).toBe(1);
  await run(baton, "ROLLBACK");
  expect(await replica.push()).toEqual({ changes: 1 });
});
