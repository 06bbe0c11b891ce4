import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import * as hrana from "@libsql/hrana-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { createSyncServer, toUpgradeListener } from "../../src/index.js";
import { tempDirectory } from "../support/temp-directory.js";

/** A server whose SQL runs in this process, on a port of its own. */
async function listen(authorize?: Parameters<typeof createSyncServer>[0]["authorize"]): Promise<string> {
  const path = join(tempDirectory(), "server.db");
  const server = createSyncServer({
    path,
    maxWorkers: 0,
    ...(authorize === undefined ? {} : { authorize }),
  });
  const http = createServer();
  http.on("upgrade", toUpgradeListener(server));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await server.close();
    await new Promise((resolve) => http.close(resolve));
  });
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

async function openLibsql(url: string, authToken?: string) {
  const client = createClient({ url, ...(authToken === undefined ? {} : { authToken }) });
  onTestFinished(() => client.close());
  return client;
}

describe("@libsql/client", () => {
  test("statements, batches, values and errors", async () => {
    const client = await openLibsql(await listen());
    await client.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)");
    const inserted = await client.execute({
      sql: "INSERT INTO t(name, data) VALUES (:name, $data)",
      args: { name: "é", data: new Uint8Array([1, 2]) },
    });
    expect(inserted).toMatchObject({ rowsAffected: 1, lastInsertRowid: 1n });
    const [, selected] = await client.batch(
      [{ sql: "INSERT INTO t(name) VALUES (?)", args: ["b"] }, "SELECT id, name, data, 1.5 AS half FROM t"],
      "write",
    );
    expect(selected?.rows[0]).toMatchObject({ id: 1, name: "é", half: 1.5 });
    expect(new Uint8Array(selected?.rows[0]?.data as ArrayBuffer)).toEqual(new Uint8Array([1, 2]));
    await client.executeMultiple("INSERT INTO t(name) VALUES ('c'); INSERT INTO t(name) VALUES ('d;')");
    await client.migrate(["CREATE TABLE m(a)", "INSERT INTO m VALUES (1)"]);
    await expect(client.execute("INSERT INTO t(name) VALUES ('b')")).rejects.toMatchObject({
      code: "SQLITE_CONSTRAINT",
    });
    await expect(
      client.batch(["INSERT INTO t(name) VALUES ('e')", "INSERT INTO t(name) VALUES ('b')"], "write"),
    ).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    await expect(client.execute("SELECT * FROM missing")).rejects.toThrow("no such table: missing");
    expect((await client.execute("SELECT count(*) AS n FROM t")).rows[0]?.n).toBe(4);
  });

  test("transactions, and many statements at once", async () => {
    const client = await openLibsql(await listen());
    await client.execute("CREATE TABLE t(a UNIQUE)");
    const first = await client.transaction("write");
    await first.execute("INSERT INTO t VALUES (1)");
    const waiting = client.execute("INSERT INTO t VALUES (2)");
    await expect(first.execute("INSERT INTO t VALUES (1)")).rejects.toMatchObject({
      code: "SQLITE_CONSTRAINT",
    });
    await first.commit();
    await waiting;
    const second = await client.transaction("write");
    await second.execute("INSERT INTO t VALUES (3)");
    second.close();
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        client.execute({ sql: "INSERT INTO t VALUES (?)", args: [100 + index] }),
      ),
    );
    const { rows } = await client.execute("SELECT count(*) AS n, min(a) AS low FROM t");
    expect(rows[0]).toMatchObject({ n: 62, low: 1 });
  });

  test("a transaction whose socket is gone is rolled back at once", async () => {
    const url = await listen();
    const client = createClient({ url });
    await client.execute("CREATE TABLE t(a)");
    const transaction = await client.transaction("write");
    await transaction.execute("INSERT INTO t VALUES (1)");
    client.close();
    const other = await openLibsql(url);
    await other.execute("INSERT INTO t VALUES (2)");
    expect((await other.execute("SELECT group_concat(a) AS all_a FROM t")).rows[0]?.all_a).toBe("2");
  });

  test("tokens", async () => {
    const url = await listen(({ token }) =>
      token === "write" || token === "read"
        ? { access: token }
        : { denied: "unauthenticated", code: "AUTH_INVALID", message: "show a token" },
    );
    const writer = await openLibsql(url, "write");
    await writer.execute("CREATE TABLE t(a)");
    const reader = await openLibsql(url, "read");
    expect((await reader.execute("SELECT count(*) AS n FROM t")).rows[0]?.n).toBe(0);
    await expect(reader.execute("INSERT INTO t VALUES (1)")).rejects.toMatchObject({
      code: "SQLITE_READONLY",
    });
    const nobody = await openLibsql(url);
    await expect(nobody.execute("SELECT 1")).rejects.toMatchObject({ code: "AUTH_INVALID" });
  });
});

const PROTOCOLS: readonly (readonly [protocol: string, version: number])[] = [
  ["hrana3-protobuf", 3],
  ["hrana3", 3],
  ["hrana2", 2],
  ["hrana1", 1],
];

function since(first: number) {
  return PROTOCOLS.filter(([, version]) => version >= first);
}

async function openHrana(protocol: string, version: number): Promise<hrana.WsClient> {
  const socket = new WebSocket(await listen(), [protocol]);
  const client = new hrana.WsClient(socket as never, undefined);
  onTestFinished(() => client.close());
  expect(await client.getVersion()).toBe(version);
  expect(socket.protocol).toBe(protocol);
  client.intMode = "bigint";
  return client;
}

test.each(since(1))("statements and batches: hrana-client, %j", async (protocol, version) => {
  const stream = (await openHrana(protocol, version)).openStream();
  await stream.run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  const inserted = await stream.run(["INSERT INTO t(a) VALUES (?), (?)", ["é", 2]]);
  expect(inserted).toMatchObject({ affectedRowCount: 2, lastInsertRowid: 2n });
  const { rows, columnNames } = await stream.query([
    "SELECT ? AS i, ? AS f, ? AS t, ? AS b, ? AS n",
    [(1n << 63n) - 1n, 1.5, "", new Uint8Array([0, 255]), null],
  ]);
  expect(columnNames).toEqual(["i", "f", "t", "b", "n"]);
  expect([...(Array.from(rows[0] as ArrayLike<unknown>) as unknown[])]).toEqual([
    (1n << 63n) - 1n,
    1.5,
    "",
    new Uint8Array([0, 255]).buffer,
    null,
  ]);
  await expect(stream.queryValue("SELECT * FROM missing")).rejects.toThrow("no such table");
  const batch = stream.batch();
  const first = batch.step();
  const ran = first.run("INSERT INTO t(a) VALUES (3)");
  const second = batch.step().condition(hrana.BatchCond.ok(first));
  const failed = second.run("INSERT INTO missing VALUES (1)");
  const third = batch.step().condition(hrana.BatchCond.not(hrana.BatchCond.error(second)));
  const skipped = third.run("DELETE FROM t");
  await Promise.all([
    batch.execute(),
    expect(failed).rejects.toThrow("no such table"),
    expect(ran).resolves.toMatchObject({ affectedRowCount: 1 }),
    expect(skipped).resolves.toBeUndefined(),
  ]);
  stream.close();
  expect(stream.closed).toBe(true);
});

test.each(since(1))(
  "streams are apart, and roll back when they are closed: hrana-client, %j",
  async (protocol, version) => {
    const client = await openHrana(protocol, version);
    const [first, second] = [client.openStream(), client.openStream()];
    await first.run("CREATE TABLE t(a)");
    await first.run("BEGIN");
    await first.run("INSERT INTO t VALUES (1)");
    expect((await second.queryValue("SELECT count(*) FROM t")).value).toBe(0n);
    first.close();
    await second.run("INSERT INTO t VALUES (2)");
    expect((await second.queryValue("SELECT sum(a) FROM t")).value).toBe(2n);
  },
);

test.each(since(2))(
  "stored texts, sequences and descriptions: hrana-client, %j",
  async (protocol, version) => {
    const client = await openHrana(protocol, version);
    const stream = client.openStream();
    await stream.sequence("CREATE TABLE t(a INT); INSERT INTO t VALUES (7);; -- end");
    const sql = client.storeSql("SELECT a FROM t WHERE a = :a");
    expect((await stream.queryValue([sql, { a: 7 }])).value).toBe(7n);
    expect(await stream.describe(sql)).toEqual({
      paramNames: [":a"],
      columns: [{ name: "a", decltype: "INT" }],
      isExplain: false,
      isReadonly: true,
    });
    const running = stream.queryValue([sql, { a: 7 }]);
    sql.close();
    expect((await running).value).toBe(7n);
    const sequence = client.storeSql("INSERT INTO t VALUES (8)");
    await stream.sequence(sequence);
    expect((await stream.queryValue("SELECT sum(a) FROM t")).value).toBe(15n);
  },
);

test.each(since(3))(
  "cursors, and whether a transaction is open: hrana-client, %j",
  async (protocol, version) => {
    const stream = (await openHrana(protocol, version)).openStream();
    await stream.run("CREATE TABLE t(a)");
    expect(await stream.getAutocommit()).toBe(true);
    const batch = stream.batch(true);
    const begun = batch.step();
    const beginning = begun.run("BEGIN");
    const filling = batch
      .step()
      .run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 12000) INSERT INTO t SELECT i FROM n",
      );
    const reading = batch.step().query("SELECT a FROM t ORDER BY a");
    const failing = batch.step().run("INSERT INTO missing VALUES (1)");
    const skipped = batch.step().condition(hrana.BatchCond.isAutocommit(batch)).run("DELETE FROM t");
    const execution = batch.execute();
    const after = stream.getAutocommit();
    await Promise.all([execution, expect(failing).rejects.toThrow("no such table")]);
    expect(await beginning).toMatchObject({ affectedRowCount: 0 });
    // The client takes the zigzag number of a step's end in protobuf for a plain one.
    const rowid = protocol === "hrana3-protobuf" ? 24_000n : 12_000n;
    expect(await filling).toMatchObject({ affectedRowCount: 12_000, lastInsertRowid: rowid });
    const rows = (await reading)?.rows ?? [];
    expect(rows).toHaveLength(12_000);
    expect(rows.at(-1)?.a).toBe(12_000n);
    expect(await skipped).toBeUndefined();
    expect(await after).toBe(false);
    await stream.run("ROLLBACK");
    expect((await stream.queryValue("SELECT count(*) FROM t")).value).toBe(0n);
  },
);

test.each(since(3))(
  "a cursor that is closed half-way, and one whose stream is: hrana-client, %j",
  async (protocol, version) => {
    const client = await openHrana(protocol, version);
    const stream = client.openStream();
    await stream.run("CREATE TABLE t(a)");
    const many = {
      steps: [
        {
          stmt: {
            sql: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n",
            args: [],
            namedArgs: [],
            wantRows: true,
          },
        },
        { stmt: { sql: "INSERT INTO t VALUES (1)", args: [], namedArgs: [], wantRows: true } },
      ],
    };
    const cursor = await stream._openCursor(many as never);
    expect(await cursor.next()).toMatchObject({ type: "step_begin", step: 0 });
    cursor.close();
    expect((await stream.queryValue("SELECT count(*) FROM t")).value).toBe(0n);
    const other = client.openStream();
    const dropped = await other._openCursor(many as never);
    await dropped.next();
    other.close();
    expect((await stream.queryValue("SELECT count(*) FROM t")).value).toBe(0n);
  },
);
