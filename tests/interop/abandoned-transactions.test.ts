import { createClient } from "@libsql/client";
import { openHttp, openWs } from "@libsql/hrana-client";
import { connect } from "@tursodatabase/serverless";
import { expect, onTestFinished, test } from "vitest";
import { serveForFile } from "./support/serve-for-file.js";
import { spawnClient } from "./support/spawn-client.js";

// Long enough for every stream to be there still when it is looked at, were it not for the other writer.
const shared = serveForFile({
  transactionTimeoutMs: 300,
  streamIdleTimeoutMs: 60_000,
  lockTimeoutMs: 20_000,
});

let tables = 0;

/** A table, and a client that wants to write to it. */
async function setUp(scheme: string) {
  const client = createClient({ url: shared.url(scheme) });
  onTestFinished(() => client.close());
  const table = `t${++tables}`;
  await client.execute(`CREATE TABLE ${table} (name TEXT)`);
  return {
    client,
    table,
    insert: (name: string) => `INSERT INTO ${table} VALUES ('${name}')`,
    names: async () => (await client.execute(`SELECT name FROM ${table}`)).rows.map(({ name }) => name),
  };
}

test.each(["http", "ws", "libsql"])(
  "a transaction of @libsql/client over %s: that nobody goes on with gives way to the next writer",
  async (scheme) => {
    const { client, insert, names } = await setUp(scheme);
    const abandoned = await client.transaction("write");
    await abandoned.execute(insert("lost"));
    await client.execute(insert("through"));
    await expect(abandoned.execute(insert("late"))).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
    abandoned.close();
    expect(await names()).toEqual(["through"]);
  },
);

test.each(["http", "ws"])(
  "a client over %s: that dies in a transaction holds nobody up, and leaves nothing behind",
  async (scheme) => {
    const { client, table, insert, names } = await setUp(scheme);
    const child = await spawnClient("libsql-open-transaction.mjs", [shared.url(scheme), table]);
    await child.kill();
    await client.execute(insert("after"));
    expect(await names()).toEqual(["after"]);
  },
);

test.each(["http", "ws"] as const)(
  "a stream of @libsql/hrana-client 3 over %s: that has read a cursor and is left gives way, and is told",
  async (scheme) => {
    const { client, table, insert, names } = await setUp("http");
    const hrana =
      scheme === "ws"
        ? openWs(shared.url("ws"), undefined, 3)
        : openHttp(shared.url(), undefined, undefined, undefined, 3);
    onTestFinished(() => hrana.close());
    await hrana.getVersion();
    const stream = hrana.openStream();
    await stream.run("BEGIN IMMEDIATE");
    await stream.run(insert("lost"));
    const batch = stream.batch(true);
    const read = batch.step().query(`SELECT name FROM ${table}`);
    await batch.execute();
    expect((await read)?.rows).toHaveLength(1);
    await client.execute(insert("through"));
    await expect(stream.run(insert("late"))).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
    expect(await names()).toEqual(["through"]);
  },
);

test("a connection of @tursodatabase/serverless that is left in a transaction gives way, and may go on after a rollback", async () => {
  const { client, table, insert, names } = await setUp("http");
  const db = connect({ url: shared.url() });
  onTestFinished(() => db.close());
  await db.exec(`BEGIN IMMEDIATE; ${insert("lost")}`);
  await client.execute(insert("through"));
  await expect(db.run(insert("late"))).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
  // Whatever the client had on its way belongs to that transaction, until it is ended.
  await db.exec("ROLLBACK");
  expect(db.inTransaction).toBe(false);
  await db.run(insert("again"));
  expect(await db.all(`SELECT name FROM ${table}`)).toHaveLength(2);
  expect(await names()).toEqual(["through", "again"]);
});

test("a client that stops reading the rows of a cursor in its transaction holds up the next writer no longer", async () => {
  const { client, insert, names } = await setUp("http");
  const rows =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, zeroblob(1000) FROM n";
  const steps = ["BEGIN IMMEDIATE", insert("lost"), rows].map((sql) => ({ stmt: { sql } }));
  const aborted = new AbortController();
  onTestFinished(() => aborted.abort());
  const response = await fetch(`${shared.url()}/v3/cursor`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ batch: { steps } }),
    signal: aborted.signal,
  });
  const reader = response.body?.getReader();
  await reader?.read();
  await client.execute(insert("through"));
  expect(await names()).toEqual(["through"]);
});
