import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { openReplica, type ReplicaOptions } from "@tributary/replica";
import { createSyncServer, toNodeListener } from "@tributary/server";
import { expect, onTestFinished, test } from "vitest";
import { contentsOf, contentsOfFile, integrityOfFile } from "../support/contents.js";
import { runLibsql } from "../support/libsql-leftovers.js";
import { run } from "../support/libsql-takeover.js";
import { type Replica, replicaOf, rows } from "../support/replicas.js";
import { untilRows, untilStatus } from "../support/status.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const SCHEMA = "CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT, stars INTEGER DEFAULT 0)";

/** Tributary's server; replicas without a device share one log. */
async function serve(sql = SCHEMA): Promise<{ readonly url: string; readonly file: string }> {
  const file = join(temporaryDirectory(), "server.db");
  run(file, sql);
  const sync = createSyncServer({ path: file, maxWorkers: 0 });
  const server = createServer(toNodeListener(sync));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await sync.close();
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, file };
}

const libsqlReplica = (url: string, options: Partial<Omit<ReplicaOptions, "url">> = {}): Promise<Replica> =>
  replicaOf(url, { protocol: "libsql", ...options });

test("two replicas that speak libSQL's protocol and libSQL's own client converge in strict mode", async () => {
  const { url, file } = await serve();
  const [a, b] = [await libsqlReplica(url), await libsqlReplica(url)];
  const path = join(temporaryDirectory(), "app.db");
  for (let round = 0; round < 3; round++) {
    a.db.exec(
      `INSERT INTO notes VALUES ('a${round}', 'of a', 1); UPDATE notes SET stars = stars + 1 WHERE id = 'a0'`,
    );
    b.db.exec(
      `INSERT INTO notes VALUES ('b${round}', 'of b', 1); DELETE FROM notes WHERE id = 'b${round - 1}'`,
    );
    // Both have written: whoever comes second is refused, takes what the first has sent, and sends again.
    await a.sync();
    await b.sync();
    const write = { sql: `INSERT INTO notes VALUES ('c${round}', 'of libSQL', 1)` };
    await runLibsql(path, url, [{ sync: true }, write, { sync: true }, { sync: true }]);
    await a.sync();
    await b.sync();
    expect(contentsOf(a.db)).toEqual(contentsOf(b.db));
  }
  await runLibsql(path, url, [{ sync: true }]);
  const expected = contentsOf(a.db);
  expect(expected.notes).toHaveLength(7);
  expect(contentsOfFile(path)).toEqual(expected);
  expect(contentsOfFile(file)).toEqual(expected);
  expect(integrityOfFile(file)).toBe("ok");
  const { bytesSent, bytesReceived, pendingChanges } = await a.stats();
  expect(pendingChanges).toBe(0);
  expect(bytesSent).toBeGreaterThan(4096);
  expect(bytesReceived).toBeGreaterThan(4096);
});

test("a replica goes on after a restart, also when its mirror is gone, and under the other protocol", async () => {
  const { url, file } = await serve();
  const path = join(temporaryDirectory(), "app.db");
  const reopened = async (options: Partial<ReplicaOptions>, sql: string): Promise<void> => {
    const replica = await openReplica({ path, url, ...options });
    try {
      expect(replica.recovered).toEqual([]);
      replica.db.exec(sql);
      await replica.sync();
      expect(contentsOf(replica.db)).toEqual(contentsOfFile(file));
    } finally {
      await replica.close();
    }
  };
  await reopened({ protocol: "libsql" }, "INSERT INTO notes VALUES ('1', 'first', 0)");
  await reopened({ protocol: "libsql" }, "INSERT INTO notes VALUES ('2', 'second', 0)");
  for (const name of readdirSync(dirname(path)))
    if (name.includes("-mirror")) rmSync(join(dirname(path), name));
  await reopened({ protocol: "libsql" }, "INSERT INTO notes VALUES ('3', 'third', 0)");
  await reopened({ protocol: "turso" }, "INSERT INTO notes VALUES ('4', 'fourth', 0)");
  await reopened({ protocol: "libsql" }, "INSERT INTO notes VALUES ('5', 'fifth', 0)");
  expect(contentsOfFile(file).notes).toHaveLength(5);
});

test("a live replica over libSQL's protocol sends and receives by itself", async () => {
  const { url } = await serve();
  const a = await libsqlReplica(url, { live: true, longPollTimeoutMs: 1_000 });
  const b = await libsqlReplica(url);
  b.db.exec("INSERT INTO notes VALUES ('b', 'of b', 0)");
  await b.sync();
  a.db.exec("INSERT INTO notes VALUES ('a', 'of a', 0)");
  await untilRows(a, "SELECT id FROM notes ORDER BY id", [["a"], ["b"]]);
  await untilStatus(
    a,
    ({ state, committed, acknowledged }) => state === "live" && committed === acknowledged,
  );
  expect(a.status.transport).toBe("http");
  await b.sync();
  expect(rows(b, "SELECT id FROM notes ORDER BY id")).toEqual([["a"], ["b"]]);
});

test("a libSQL replica of this server is taken over with its own protocol, stuck in conflict too", async () => {
  const { url, file } = await serve();
  const path = join(temporaryDirectory(), "app.db");
  await runLibsql(path, url, [{ sql: "INSERT INTO notes VALUES ('1', 'pushed', 0)" }, { sync: true }]);
  const other = await libsqlReplica(url);
  other.db.exec("INSERT INTO notes VALUES ('2', 'of another', 0)");
  await other.sync();
  const mine = {
    sql: "INSERT INTO notes VALUES ('3', 'mine', 0); UPDATE notes SET stars = 5 WHERE id = '1'",
  };
  expect(await runLibsql(path, url, [mine, { sync: true }])).toContain("InvalidPushFrameConflict");
  const replica = await openReplica({ path, url, protocol: "libsql" });
  try {
    expect(replica.repair?.changes).toBe(2);
    await replica.sync();
    const expected = ["1|pushed|5", "2|of another|0", "3|mine|0"];
    const sql = "SELECT id || '|' || body || '|' || stars FROM notes ORDER BY id";
    expect(rows(replica, sql).flat()).toEqual(expected);
    expect(contentsOfFile(file)).toEqual(contentsOf(replica.db));
  } finally {
    await replica.close();
  }
});

test("what a device has pushed is not pushed again where it did not learn of it", async () => {
  const { url, file } = await serve("CREATE TABLE log (line TEXT)");
  const path = join(temporaryDirectory(), "app.db");
  const device = `${url}/device/phone`;
  const line = (text: string) => ({ sql: `INSERT INTO log VALUES ('${text}')` });
  await runLibsql(path, device, [line("first"), { sync: true }]);
  const info = readFileSync(`${path}-info`);
  await runLibsql(path, device, [line("second"), { sync: true }, line("third")]);
  writeFileSync(`${path}-info`, info);
  const replica = await openReplica({ path, url });
  try {
    expect(replica.repair?.changes).toBe(1);
    await replica.sync();
    expect(rows(replica, "SELECT line FROM log ORDER BY rowid")).toEqual([["first"], ["second"], ["third"]]);
    expect(contentsOfFile(file)).toEqual(contentsOf(replica.db));
  } finally {
    await replica.close();
  }
});

test.each([
  [{ webSocket: true }, "webSocket"],
  [{ transport: () => Promise.reject(new Error()), url: null }, "transport"],
  [{ protocol: "libSQL" as "libsql" }, "protocol"],
])("options that do not go with libSQL's protocol are named", async (options, name) => {
  const path = join(temporaryDirectory(), "app.db");
  const opening = openReplica({ path, url: "http://localhost", protocol: "libsql", ...options });
  await expect(opening).rejects.toMatchObject({
    code: "invalid-option",
    message: expect.stringContaining(name),
  });
});
