import { expect, test } from "vitest";
import { LibsqlDevice } from "./support/libsql-offline-device.js";
import { OfflineServer } from "./support/libsql-offline-server.js";

// A replica of libSQL without `offline` reads its file and sends what it writes to the server, by Hrana; then it pulls.

const NOT_OFFLINE = { offline: undefined };

async function openServer(): Promise<OfflineServer> {
  const server = await OfflineServer.start();
  await server.query(
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)",
    "INSERT INTO notes VALUES (1, 'first')",
  );
  return server;
}

test("libsql reads its own writes, which others see as well", async () => {
  const server = await openServer();
  const device = await new LibsqlDevice(server.url, NOT_OFFLINE).open();
  expect(await device.query("SELECT * FROM notes")).toEqual([[1n, "first"]]);
  await device.run("INSERT INTO notes(body) VALUES (?)", "second");
  expect(await device.query("SELECT body FROM notes")).toEqual([["first"], ["second"]]);
  expect(await device.query("INSERT INTO notes(body) VALUES (?) RETURNING id, body", "third")).toEqual([
    [3n, "third"],
  ]);
  await device.exec(
    "UPDATE notes SET body = 'FIRST' WHERE id = 1; DELETE FROM notes WHERE id = 2; CREATE TABLE tags (name)",
  );
  expect(await device.query("SELECT * FROM notes")).toEqual([
    [1n, "FIRST"],
    [3n, "third"],
  ]);
  expect(await device.contents()).toEqual(await server.contents());
  expect(await device.integrity()).toBe("ok");
});

test("libsql keeps a transaction open on the server, and rolls it back there", async () => {
  const server = await openServer();
  const device = await new LibsqlDevice(server.url, NOT_OFFLINE).open();
  await device.exec("BEGIN");
  await device.run("INSERT INTO notes(body) VALUES (?)", "taken back");
  await device.exec("ROLLBACK");
  await device.call("transact", [
    { sql: "INSERT INTO notes(body) VALUES (?)", args: ["second"] },
    { sql: "UPDATE notes SET body = body || '!' WHERE id > ?", args: [0] },
  ]);
  expect(await device.query("SELECT body FROM notes")).toEqual([["first!"], ["second!"]]);
  await expect(device.run("INSERT INTO notes VALUES (?, 'again')", 1)).rejects.toThrow(
    "UNIQUE constraint failed",
  );
  await device.sync();
  expect(await server.query("SELECT body FROM notes")).toEqual([["first!"], ["second!"]]);
});

test("libsql sees what others write after a sync, and finds its place after a restart", async () => {
  const server = await openServer();
  const device = await new LibsqlDevice(server.url, NOT_OFFLINE).open();
  await server.query("INSERT INTO notes VALUES (2, 'of another')");
  expect(await device.query("SELECT count(*) FROM notes")).toEqual([[1n]]);
  await device.sync();
  expect(await device.query("SELECT count(*) FROM notes")).toEqual([[2n]]);
  await device.close();
  await server.query("INSERT INTO notes VALUES (3, 'of another')");
  await device.open();
  await device.run("INSERT INTO notes VALUES (4, ?)", "own");
  expect(await device.query("SELECT id FROM notes")).toEqual([[1n], [2n], [3n], [4n]]);
});

test("@libsql/client: statements, batches and transactions", async () => {
  const server = await openServer();
  const device = await new LibsqlDevice(`${server.url}/device/laptop`, NOT_OFFLINE).openClient();
  const query = (sql: string): Promise<unknown> => device.call("execute", sql);
  await device.call("execute", { sql: "INSERT INTO notes(body) VALUES (?)", args: ["second"] });
  await device.call(
    "batch",
    ["INSERT INTO notes(body) VALUES ('third')", "UPDATE notes SET body = upper(body)"],
    "write",
  );
  expect(await query("SELECT body FROM notes")).toEqual([["FIRST"], ["SECOND"], ["THIRD"]]);
  const statements = ["INSERT INTO notes(body) VALUES ('fourth')", "DELETE FROM notes WHERE id = 1"];
  await device.call("transactWithClient", statements, "rollback");
  expect(await query("SELECT count(*) FROM notes")).toEqual([[3n]]);
  await device.call("transactWithClient", statements, "commit");
  expect(await query("SELECT id FROM notes")).toEqual([[2n], [3n], [4n]]);
  expect(await server.query("SELECT count(*) FROM notes")).toEqual([["3"]]);
});
