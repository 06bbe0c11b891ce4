import { join } from "node:path";
import { createClient } from "@libsql/client";
import { staticTokens } from "@tributary/server";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.js";
import {
  type EmbeddedReplica,
  type EmbeddedServer,
  replicaForFile,
  startEmbeddedServer,
} from "./support/libsql-embedded.js";
import { FaultyFront } from "./support/libsql-offline-front.js";

// npm `libsql` and `@libsql/client` as embedded replicas: reads are local, writes are the server's.

const MAX = 9_223_372_036_854_775_807n;

const one = replicaForFile();
const two = replicaForFile();

/** Opens a replica, of a fresh file unless told otherwise, in place of the one that the process had. */
async function open(
  replica: EmbeddedReplica,
  server: Pick<EmbeddedServer, "url">,
  options: Record<string, unknown> = {},
  path: string = join(temporaryDirectory(), "replica.db"),
): Promise<string> {
  await replica.call("open", path, { syncUrl: server.url, ...options });
  return path;
}

/** What the replica asked for since the last time, without the services' names. */
function asked({ requests }: EmbeddedServer): string[] {
  return requests.splice(0).map((request) => request.replace(/^POST .*\//, ""));
}

/** A client of Hrana, in this process. */
function hrana({ url }: EmbeddedServer) {
  const client = createClient({ url });
  onTestFinished(() => client.close());
  return client;
}

/** Makes a table `big` whose rows have a page each. */
const makePages = (count: number): string =>
  `CREATE TABLE big(id INTEGER PRIMARY KEY, body); INSERT INTO big
   WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i, zeroblob(3000) FROM n`;

describe("writes are delegated", () => {
  test("and read at once, with values of all types, arguments by place and by name, and rows", async () => {
    const server = await startEmbeddedServer();
    await open(one, server);
    await one.call("sync");
    await one.call("exec", "CREATE TABLE t(id INTEGER PRIMARY KEY, v, kind TEXT UNIQUE)");
    const values: [string, unknown][] = [
      ["null", null],
      ["integer", MAX],
      ["negative", -MAX - 1n],
      ["real", 0.1],
      ["text", "Grüße, 世界 👋🏽"],
      ["empty", ""],
      ["blob", new Uint8Array([0, 255, 128])],
    ];
    for (const [kind, value] of values) {
      expect(await one.call("run", "INSERT INTO t(v, kind) VALUES (?, ?)", value, kind)).toMatchObject({
        changes: 1,
      });
    }
    const rows = (await one.call("all", "SELECT kind, v FROM t ORDER BY id")) as [string, unknown][];
    expect(
      rows.map(([kind, value]) => [kind, value instanceof Uint8Array ? new Uint8Array(value) : value]),
    ).toEqual(values);
    // With two names the client of this version would ask for one that is not there.
    const sql = "INSERT INTO t(kind, v) VALUES (:kind, @v) RETURNING id AS number, v, kind";
    expect(await one.call("objects", sql, { kind: "named", v: "of a name" })).toEqual([
      { number: 8n, v: "of a name", kind: "named" },
    ]);
    expect(await one.call("run", "UPDATE t SET v = 1 WHERE id > ?", 5)).toMatchObject({ changes: 3 });
    expect(await one.call("maxWriteReplicationIndex")).toBe(
      ((await one.call("sync")) as { frame_no: number }).frame_no,
    );
    const other = (await hrana(server).execute("SELECT count(*) AS n FROM t")).rows[0]?.n;
    expect(other).toBe(8);
  });

  test("and fail with what SQLite says", async () => {
    await open(one, await startEmbeddedServer());
    await one.call("exec", "CREATE TABLE t(a UNIQUE NOT NULL)");
    await one.call("run", "INSERT INTO t VALUES (1)");
    const fail = (sql: string, ...args: unknown[]) => expect(one.call("run", sql, ...args)).rejects;
    await fail("INSERT INTO t VALUES (1)").toThrow(/2067.*UNIQUE constraint failed: t\.a/);
    await fail("INSERT INTO t VALUES (NULL)").toThrow(/1299.*NOT NULL constraint failed/);
    await fail("INSERT INTO missing VALUES (1)").toMatchObject({
      message: expect.stringContaining("no such table: missing"),
      code: "SQLITE_ERROR",
    });
    await fail("INSERT INTO t VALUES (?), (?)", 5).toThrow("no value was given for parameter 2");
    expect(await one.call("all", "SELECT a FROM t")).toEqual([[1n]]);
  });

  test("as a text of many statements, which ends at the first that fails", async () => {
    await open(one, await startEmbeddedServer());
    const inserts = Array.from({ length: 2000 }, (_, index) => `INSERT INTO t VALUES (${index});`).join("\n");
    await one.call("exec", `CREATE TABLE t(a UNIQUE); BEGIN; ${inserts} COMMIT`);
    const text = "INSERT INTO t VALUES (-1); INSERT INTO t VALUES (0); INSERT INTO t VALUES (-2)";
    await expect(one.call("exec", text)).rejects.toThrow("UNIQUE constraint failed");
    await one.call("sync");
    expect(await one.call("all", "SELECT count(*), min(a) FROM t")).toEqual([[2001n, -1n]]);
  });

  test("in transactions over several calls, which others wait for", async () => {
    const server = await startEmbeddedServer();
    await Promise.all([open(one, server), open(two, server)]);
    await one.call("exec", "CREATE TABLE t(a)");
    await one.call("exec", "BEGIN IMMEDIATE");
    expect(await one.call("inTransaction")).toBe(true);
    await one.call("run", "INSERT INTO t VALUES ('one')");
    // What it has written itself is there for it, and for nobody else.
    expect(await one.call("all", "SELECT a FROM t")).toEqual([["one"]]);
    await two.call("sync");
    expect(await two.call("all", "SELECT a FROM t")).toEqual([]);
    // What somebody has written is there when the other one has the frame that he was told.
    await two.call("syncUntil", await one.call("maxWriteReplicationIndex"));
    const waiting = two.call("run", "INSERT INTO t VALUES ('two')");
    await one.call("run", "INSERT INTO t VALUES ('one more')");
    await one.call("exec", "COMMIT");
    await waiting;
    expect(await two.call("all", "SELECT a FROM t")).toEqual([["one"], ["one more"], ["two"]]);
    await two.call("exec", "BEGIN");
    await two.call("run", "DELETE FROM t");
    await two.call("exec", "ROLLBACK");
    expect(await two.call("inTransaction")).toBe(false);
    expect(await two.call("all", "SELECT count(*) FROM t")).toEqual([[3n]]);
  });
});

test("@libsql/client: statements, batches, transactions, and failures of them", async () => {
  const server = await startEmbeddedServer();
  const url = `file:${join(temporaryDirectory(), "replica.db")}`;
  await one.call("createClient", { url, syncUrl: server.url });
  expect(await one.call("clientSync")).toMatchObject({ frame_no: expect.any(Number) });
  await one.call("executeMultiple", "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE); SELECT 1");
  const insert = (name: string) => ({ sql: "INSERT INTO t(name) VALUES (?)", args: [name] });
  expect(await one.call("execute", insert("a"))).toMatchObject({ rowsAffected: 1, lastInsertRowid: 1n });
  const named = { sql: "INSERT INTO t(name) VALUES ($name) RETURNING id", args: { name: "b" } };
  expect(await one.call("execute", named)).toMatchObject({ columns: ["id"], rows: [[2n]] });
  await one.call("batch", [insert("c"), insert("d")], "write");
  await expect(one.call("batch", [insert("e"), insert("a"), insert("f")], "write")).rejects.toThrow("UNIQUE");
  await one.call("begin", "write");
  await one.call("inTransactionExecute", insert("g"));
  await one.call("commit");
  await one.call("begin", "write");
  await one.call("inTransactionExecute", insert("h"));
  await expect(one.call("inTransactionExecute", insert("a"))).rejects.toThrow("UNIQUE");
  await one.call("rollback");
  expect(await one.call("execute", "SELECT name FROM t ORDER BY id")).toMatchObject({
    rows: [["a"], ["b"], ["c"], ["d"], ["g"]],
  });
  const args = Array.from({ length: 100 }, (_, index) => insert(`many ${index}`));
  await one.call("batch", args, "write");
  expect(await one.call("execute", "SELECT count(*) FROM t")).toMatchObject({ rows: [[105n]] });
});

describe("the log", () => {
  test("comes as a snapshot where it is long, and then as what has changed, whoever has changed it", async () => {
    const server = await startEmbeddedServer();
    const writer = hrana(server);
    await writer.executeMultiple(makePages(3000));
    await open(one, server);
    const first = (await one.call("sync")) as { frames_synced: number };
    expect(first.frames_synced).toBeGreaterThan(3000);
    expect(asked(server)).toContain("Snapshot");
    await writer.execute("UPDATE big SET body = 'changed' WHERE id IN (7, 2000)");
    expect(await one.call("sync")).toMatchObject({ frames_synced: 2 });
    // What is more than one answer comes as a snapshot too, but of nothing else.
    await writer.execute("UPDATE big SET body = zeroblob(2999) WHERE id <= 1500");
    const { frames_synced } = (await one.call("sync")) as { frames_synced: number };
    expect(frames_synced).toBeGreaterThanOrEqual(1500);
    expect(frames_synced).toBeLessThan(2000);
    expect(asked(server).filter((name) => name === "Snapshot")).toHaveLength(1);
    await writer.execute("DELETE FROM big WHERE id > 10");
    await one.call("sync");
    expect(await one.call("all", "SELECT count(*), sum(length(body)) FROM big")).toEqual([[10n, 29_990n]]);
    expect(await one.call("all", "PRAGMA integrity_check")).toEqual([["ok"]]);
  });

  test("has what clients of Turso push, who pull what the replica writes", async () => {
    const server = await startEmbeddedServer();
    await open(one, server);
    await one.call("exec", "CREATE TABLE t(id INTEGER PRIMARY KEY, who)");
    await two.call("openTurso", join(temporaryDirectory(), "turso.db"), server.url);
    await two.call("tursoExec", "INSERT INTO t(who) VALUES ('turso')");
    await two.call("tursoPush");
    await one.call("run", "INSERT INTO t(who) VALUES ('libsql')");
    expect(await one.call("all", "SELECT who FROM t ORDER BY id")).toEqual([["turso"], ["libsql"]]);
    await two.call("tursoPull");
    expect(await two.call("tursoAll", "SELECT who FROM t ORDER BY id")).toEqual([
      { who: "turso" },
      { who: "libsql" },
    ]);
  });

  test("is followed in the background, and left alone where nobody is to read what he has written", async () => {
    const server = await startEmbeddedServer();
    const writer = hrana(server);
    await writer.execute("CREATE TABLE t(a)");
    await Promise.all([open(one, server, { syncPeriod: 1 }), open(two, server, { readYourWrites: false })]);
    await two.call("sync");
    await two.call("run", "INSERT INTO t VALUES (1)");
    expect(await two.call("all", "SELECT a FROM t")).toEqual([]);
    await two.call("sync");
    expect(await two.call("all", "SELECT a FROM t")).toEqual([[1n]]);
    const read = (): Promise<unknown> => one.call("all", "SELECT a FROM t").catch(() => []);
    await expect.poll(read, { interval: 50, timeout: 10_000 }).toEqual([[1n]]);
  });

  test("goes on where it was when the server, or the replica, is started again", async () => {
    const server = await startEmbeddedServer();
    const writer = hrana(server);
    await writer.executeMultiple(makePages(1500));
    const path = await open(one, server);
    await one.call("sync");
    asked(server);
    await server.stop();
    await server.start();
    // With nothing new nothing is sent, and the session of before is no more.
    expect(await one.call("sync")).toMatchObject({ frames_synced: 0 });
    await writer.execute("UPDATE big SET body = 1 WHERE id = 1");
    expect(await one.call("sync")).toMatchObject({ frames_synced: 1 });
    await one.call("close");
    await open(one, server, {}, path);
    await writer.execute("UPDATE big SET body = 2 WHERE id = 2");
    expect(await one.call("sync")).toMatchObject({ frames_synced: 1 });
    expect(asked(server)).not.toContain("Snapshot");
    expect(await one.call("all", "SELECT body FROM big WHERE id < 4")).toEqual([
      [1n],
      [2n],
      expect.anything(),
    ]);
  });

  test("is whole after whatever was lost or cut on the way", async () => {
    const server = await startEmbeddedServer();
    const front = await FaultyFront.start(server.url);
    const writer = hrana(server);
    await writer.executeMultiple(makePages(1100));
    await open(one, front);
    // The first to fail is the whole download, into a file that has nothing yet.
    const faults = (["Snapshot", "BatchLogEntries"] as const).flatMap((method) =>
      (["truncated", "lost", "unheard"] as const).map((type) => ({ method, type })),
    );
    for (const [index, { method, type }] of faults.entries()) {
      const rows = method === "Snapshot" ? 1100 : 5;
      await writer.execute(`UPDATE big SET body = zeroblob(${2_900 - index}) WHERE id <= ${rows}`);
      let isMet = false;
      front.fault = ({ url }) => {
        if (!url.endsWith(`/${method}`)) return undefined;
        isMet = true;
        return { type };
      };
      await expect(one.call("sync"), `${method} ${type}`).rejects.toThrow();
      expect(isMet).toBe(true);
      front.fault = () => undefined;
      await one.call("sync");
      const sum = (await writer.execute("SELECT sum(length(body) * id) FROM big")).rows[0]?.[0];
      expect(await one.call("all", "SELECT sum(length(body) * id) FROM big")).toEqual([
        [BigInt(Number(sum))],
      ]);
      expect(await one.call("all", "PRAGMA integrity_check")).toEqual([["ok"]]);
    }
  });

  test("begins anew where the database was replaced", async () => {
    const path = join(temporaryDirectory(), "server.db");
    const server = await startEmbeddedServer({ path });
    await hrana(server).executeMultiple(`CREATE TABLE old(a); ${makePages(100)}`);
    await open(one, server);
    await one.call("sync");
    await server.stop();
    const file = new Database(path);
    file.exec("DROP TABLE old; DROP TABLE big; CREATE TABLE fresh(a); INSERT INTO fresh VALUES (1); VACUUM");
    file.close();
    await server.start();
    await one.call("sync");
    expect(await one.call("all", "SELECT a FROM fresh")).toEqual([[1n]]);
    expect(await one.call("all", "SELECT name FROM sqlite_schema")).toEqual([["fresh"]]);
    expect(await one.call("all", "PRAGMA integrity_check")).toEqual([["ok"]]);
    await one.call("run", "INSERT INTO fresh VALUES (2)");
    expect(await one.call("all", "SELECT a FROM fresh")).toEqual([[1n], [2n]]);
  });
});

test("a database among many is named by the path, and a token says what may be done with it", async () => {
  const authorize = staticTokens([
    { token: "writer-0123456789", access: "write", databases: ["acme"] },
    { token: "reader-0123456789", access: "read", databases: ["acme"] },
    { token: "admin-0123456789", access: "admin" },
  ]);
  const server = await startEmbeddedServer({ dataDirectory: temporaryDirectory(), authorize });
  await server.server.databases.create("acme");
  // What is announced is the same with the slash that many put behind a URL.
  const acme = { url: `${server.url}/acme/` };
  await open(one, acme, { authToken: "writer-0123456789" });
  await one.call("exec", "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  await open(two, { url: `${server.url}/acme` }, { authToken: "reader-0123456789" });
  await two.call("sync");
  expect(await two.call("all", "SELECT a FROM t")).toEqual([[1n]]);
  await expect(two.call("run", "INSERT INTO t VALUES (2)")).rejects.toThrow(
    "attempt to write a readonly database",
  );
  const refused = async (url: string, authToken: string): Promise<void> => {
    await open(one, { url }, { authToken });
    await one.call("exec", "CREATE TABLE u(a)");
  };
  await expect(refused(acme.url, "wrong")).rejects.toThrow(/Unauth/);
  await expect(refused(`${server.url}/missing`, "admin-0123456789")).rejects.toThrow(
    "NAMESPACE_DOESNT_EXIST",
  );
});
