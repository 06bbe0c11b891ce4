import {
  type Batch,
  BatchCond,
  type Client,
  openHttp,
  openWs,
  ResponseError,
  type Stream,
  WebSocket,
  WsClient,
} from "@libsql/hrana-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { serveForFile } from "./support/serve-for-file.js";

const shared = serveForFile();

/** A socket that offers just one subprotocol: left to itself, the client would always get protobuf. */
const openSocket = (protocol: string): Client =>
  new WsClient(new WebSocket(shared.url("ws"), [protocol]), undefined);

const CLIENTS: readonly { name: string; version: 1 | 2 | 3; open: () => Client }[] = [
  { name: "HTTP 2, JSON", version: 2, open: () => openHttp(shared.url()) },
  {
    name: "HTTP 3, protobuf",
    version: 3,
    open: () => openHttp(shared.url(), undefined, undefined, undefined, 3),
  },
  { name: "hrana1, JSON", version: 1, open: () => openSocket("hrana1") },
  { name: "hrana2, JSON", version: 2, open: () => openWs(shared.url("ws"), undefined, 2) },
  { name: "hrana3, JSON", version: 3, open: () => openSocket("hrana3") },
  { name: "hrana3, protobuf", version: 3, open: () => openWs(shared.url("ws"), undefined, 3) },
];

const tables = new Set<string>();
/** A table of its own for each test. */
function nextTable(): string {
  const name = `t${tables.size + 1}`;
  tables.add(name);
  return name;
}

function openClient(open: () => Client): Client {
  const client = open();
  onTestFinished(() => client.close());
  return client;
}

describe.each(CLIENTS)("@libsql/hrana-client with $name", ({ version, open }) => {
  const openStream = async (): Promise<{ client: Client; stream: Stream }> => {
    const client = openClient(open);
    expect(await client.getVersion()).toBe(version);
    return { client, stream: client.openStream() };
  };

  test("queries, values, counts and names", async () => {
    const { stream } = await openStream();
    const table = nextTable();
    stream.intMode = "bigint";
    await stream.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, v VARCHAR(9))`);
    const inserted = await stream.run([`INSERT INTO ${table} (v) VALUES (?), (?)`, ["a", null]]);
    expect(inserted).toMatchObject({ affectedRowCount: 2, lastInsertRowid: 2n });
    const found = await stream.query([`SELECT id, v FROM ${table} WHERE id <= :id ORDER BY id`, { id: 9n }]);
    expect(found.columnNames).toEqual(["id", "v"]);
    expect(found.columnDecltypes).toEqual(["INTEGER", "VARCHAR(9)"]);
    expect(found.rows.map((row) => Array.from(row))).toEqual([
      [1n, "a"],
      [2n, null],
    ]);
    const values = [
      0n,
      -9_223_372_036_854_775_808n,
      9_223_372_036_854_775_807n,
      0,
      0.5,
      "",
      "ü\u0000🙂",
      null,
    ];
    for (const value of values) expect((await stream.queryValue(["SELECT ?", [value]])).value).toBe(value);
    for (const blob of [new Uint8Array(), new Uint8Array([0, 1, 254, 255])]) {
      const { value } = await stream.queryValue(["SELECT ?", [blob]]);
      expect(new Uint8Array(value as ArrayBuffer)).toEqual(blob);
    }
    expect((await stream.queryRow(`SELECT * FROM ${table} WHERE 0`)).row).toBeUndefined();
  });

  test("an error is one of its statement, and the stream goes on", async () => {
    const { stream } = await openStream();
    const table = nextTable();
    await stream.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY)`);
    await stream.run(`INSERT INTO ${table} VALUES (1)`);
    const failed = stream.run(`INSERT INTO ${table} VALUES (1)`);
    await expect(failed).rejects.toBeInstanceOf(ResponseError);
    await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT" });
    await expect(stream.query("SELECT * FROM missing")).rejects.toThrow("no such table: missing");
    expect((await stream.queryValue(`SELECT count(*) FROM ${table}`)).value).toBe(1);
  });

  test("streams are connections: a transaction is seen by nobody else before it is committed", async () => {
    const { client, stream } = await openStream();
    const table = nextTable();
    await stream.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY)`);
    await stream.run("BEGIN IMMEDIATE");
    await stream.run(`INSERT INTO ${table} VALUES (1)`);
    const other = client.openStream();
    const count = `SELECT count(*) FROM ${table}`;
    expect((await other.queryValue(count)).value).toBe(0);
    await stream.run("COMMIT");
    expect((await other.queryValue(count)).value).toBe(1);
    other.closeGracefully();
    await stream.run("BEGIN IMMEDIATE");
    await stream.run(`INSERT INTO ${table} VALUES (2)`);
    // Rolls back.
    stream.close();
    const third = client.openStream();
    await third.run(`INSERT INTO ${table} VALUES (3)`);
    expect((await third.query(`SELECT id FROM ${table} ORDER BY id`)).rows.map((row) => row.id)).toEqual([
      1, 3,
    ]);
  });

  if (version >= 2)
    test("texts are described, run in sequence, and stored", async () => {
      const client = openClient(open);
      await client.getVersion();
      const stream = client.openStream();
      const table = nextTable();
      await stream.sequence(
        `CREATE TABLE ${table} (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO ${table} VALUES (1, 'a;b');`,
      );
      expect(await stream.describe(`SELECT id, v AS w, ?, ?4, :one, $two FROM ${table}`)).toEqual({
        paramNames: [undefined, undefined, undefined, "?4", ":one", "$two"],
        columns: [
          { name: "id", decltype: "INTEGER" },
          { name: "w", decltype: "TEXT" },
          { name: "?", decltype: undefined },
          { name: "?4", decltype: undefined },
          { name: ":one", decltype: undefined },
          { name: "$two", decltype: undefined },
        ],
        isExplain: false,
        isReadonly: true,
      });
      expect(await stream.describe("EXPLAIN SELECT 1")).toMatchObject({ isExplain: true });
      expect(await stream.describe(`DELETE FROM ${table}`)).toMatchObject({ isReadonly: false, columns: [] });
      await expect(stream.describe("SELECT FROM")).rejects.toThrow("syntax error");

      const owner = stream._sqlOwner();
      const stored = owner.storeSql(`SELECT v || ? FROM ${table}`);
      expect((await stream.queryValue([stored, ["!"]])).value).toBe("a;b!");
      expect((await stream.queryValue([stored, ["?"]])).value).toBe("a;b?");
      const script = owner.storeSql(
        `INSERT INTO ${table} VALUES (2, NULL); DELETE FROM ${table} WHERE id = 1`,
      );
      await stream.sequence(script);
      expect((await stream.describe(stored)).columns).toHaveLength(1);
      stored.close();
      script.close();
      expect((await stream.queryValue(`SELECT id FROM ${table}`)).value).toBe(2);
    });

  test.each(version >= 3 ? [false, true] : [false])(
    "batches with conditions (cursor: %s)",
    async (useCursor) => {
      const { stream } = await openStream();
      const table = nextTable();
      await stream.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY)`);
      const batch = stream.batch(useCursor);
      const begin = batch.step();
      const begun = begin.run("BEGIN");
      const insert = batch.step().condition(BatchCond.ok(begin));
      const inserted = insert.run([`INSERT INTO ${table} VALUES (?)`, [1]]);
      const again = batch.step().condition(BatchCond.ok(insert));
      const failed = again.run(`INSERT INTO ${table} VALUES (1)`).catch((error: ResponseError) => error.code);
      const never = batch.step().condition(BatchCond.ok(again)).run("COMMIT");
      const rows = batch
        .step()
        .condition(BatchCond.and(batch, [BatchCond.error(again), BatchCond.not(BatchCond.error(begin))]))
        .query(`SELECT id FROM ${table}`);
      const rollback = batch
        .step()
        .condition(BatchCond.or(batch, [BatchCond.error(insert), BatchCond.error(again)]))
        .run("ROLLBACK");
      await batch.execute();
      expect(await begun).toBeDefined();
      expect(await inserted).toMatchObject({ affectedRowCount: 1 });
      expect(await failed).toBe("SQLITE_CONSTRAINT");
      expect(await never).toBeUndefined();
      expect((await rows)?.rows.map((row) => row.id)).toEqual([1]);
      expect(await rollback).toBeDefined();
      expect((await stream.queryValue(`SELECT count(*) FROM ${table}`)).value).toBe(0);
    },
  );

  if (version >= 3)
    test("autocommit is told, and is a condition", async () => {
      const { stream } = await openStream();
      expect(await stream.getAutocommit()).toBe(true);
      await stream.run("BEGIN");
      expect(await stream.getAutocommit()).toBe(false);
      const batch: Batch = stream.batch(false);
      const inside = batch.step().condition(BatchCond.isAutocommit(batch)).queryValue("SELECT 1");
      const commit = batch
        .step()
        .condition(BatchCond.not(BatchCond.isAutocommit(batch)))
        .run("COMMIT");
      const outside = batch.step().condition(BatchCond.isAutocommit(batch)).queryValue("SELECT 2");
      await batch.execute();
      expect(await inside).toBeUndefined();
      expect(await commit).toBeDefined();
      expect((await outside)?.value).toBe(2);
      expect(await stream.getAutocommit()).toBe(true);
    });

  if (version >= 3)
    test("a cursor brings more rows than one message holds, and the stream goes on after it", async () => {
      const { stream } = await openStream();
      const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)";
      const batch = stream.batch(true);
      const rows = batch.step().query(`${numbers} SELECT i, zeroblob(500) AS body FROM n`);
      const failed = batch
        .step()
        .query("SELECT abs(-9223372036854775808)")
        .catch((error: Error) => error.message);
      const last = batch.step().queryValue("SELECT 'last'");
      await batch.execute();
      const found = (await rows)?.rows ?? [];
      expect(found).toHaveLength(5000);
      expect(found.at(-1)).toMatchObject({ i: 5000 });
      expect(await failed).toContain("integer overflow");
      expect((await last)?.value).toBe("last");
      expect((await stream.queryValue("SELECT 1")).value).toBe(1);
    });

  test("what one stream waits for holds up no other one", async () => {
    const { client, stream } = await openStream();
    const table = nextTable();
    await stream.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY)`);
    await stream.run("BEGIN IMMEDIATE");
    const waiting = client.openStream();
    const waited = waiting.run(`INSERT INTO ${table} VALUES (1)`);
    const other = client.openStream();
    expect((await other.queryValue(`SELECT count(*) FROM ${table}`)).value).toBe(0);
    await stream.run(`INSERT INTO ${table} VALUES (2)`);
    await stream.run("COMMIT");
    expect(await waited).toMatchObject({ affectedRowCount: 1 });
  });
});
