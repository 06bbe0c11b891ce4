import { staticTokens } from "@tributary/server";
import { describe, expect, test } from "vitest";
import { LibsqlDevice } from "./support/libsql-offline-device.js";
import { OfflineServer } from "./support/libsql-offline-server.js";

const NOTES = "CREATE TABLE notes (id TEXT PRIMARY KEY, body)";
const ALL = "SELECT id, body FROM notes ORDER BY id";

async function deviceOf(server: OfflineServer, name: string): Promise<LibsqlDevice> {
  return await new LibsqlDevice(server.deviceUrl(name)).open();
}

/** Each pushes what it has, then each pulls what the others had. */
async function exchange(...devices: readonly LibsqlDevice[]): Promise<void> {
  for (const device of [...devices, ...devices]) await device.sync();
}

describe("an offline replica of libSQL", () => {
  test("has the database from the start, and brings its writes and gets those of others", async () => {
    const server = await OfflineServer.start();
    await server.query(NOTES, "INSERT INTO notes VALUES ('0', 'there before')");
    const [a, b] = [await deviceOf(server, "a"), await deviceOf(server, "b")];
    expect(await a.query(ALL)).toEqual([["0", "there before"]]);
    await a.run("INSERT INTO notes VALUES ('a', 'from a')");
    await b.run("INSERT INTO notes VALUES ('b', 'from b')");
    await b.run("UPDATE notes SET body = 'changed by b' WHERE id = '0'");
    await server.query("INSERT INTO notes VALUES ('s', 'from the server')");
    await exchange(a, b);
    const expected = [
      ["0", "changed by b"],
      ["a", "from a"],
      ["b", "from b"],
      ["s", "from the server"],
    ];
    for (const device of [a, b]) {
      expect(await device.query(ALL)).toEqual(expected);
      expect(await device.integrity()).toBe("ok");
    }
    expect(await server.query(ALL)).toEqual(expected);
  });

  test("begins with a server that has nothing, and makes the first table", async () => {
    const server = await OfflineServer.start();
    const [a, b] = [await deviceOf(server, "a"), await deviceOf(server, "b")];
    await a.exec(`${NOTES}; INSERT INTO notes VALUES ('a', 1)`);
    await exchange(a, b);
    expect(await b.query(ALL)).toEqual([["a", 1n]]);
  });

  test("keeps values as they are", async () => {
    const server = await OfflineServer.start();
    await server.query("CREATE TABLE vals (id INTEGER PRIMARY KEY, v)");
    const [a, b] = [await deviceOf(server, "a"), await deviceOf(server, "b")];
    const values = [
      null,
      0n,
      -1n,
      9_223_372_036_854_775_807n,
      -9_223_372_036_854_775_808n,
      0.5,
      1e300,
      "",
      "ünïcødé ✓",
      Buffer.from([]),
      Buffer.from([0, 255, 0]),
    ];
    await a.call(
      "runAll",
      "INSERT INTO vals (v) VALUES (?)",
      values.map((value) => [value]),
    );
    await exchange(a, b);
    const sql = "SELECT typeof(v) || ':' || quote(v) FROM vals ORDER BY id";
    const written = await a.query(sql);
    expect(written).toHaveLength(values.length);
    expect(await b.query(sql)).toEqual(written);
    expect(await server.query(sql)).toEqual(written);
  });

  test("is not sent its own writes", async () => {
    const server = await OfflineServer.start();
    await server.query(NOTES);
    const a = await deviceOf(server, "a");
    for (let n = 1; n <= 5; n++) {
      await a.run("INSERT INTO notes VALUES (?, ?)", String(n), "x".repeat(3_000));
      await a.sync();
    }
    // What is pulled is added to the log beside the database.
    const before = a.logBytes;
    await a.sync();
    await a.sync();
    expect(a.logBytes).toBe(before);
    expect(await a.query("SELECT count(*) FROM notes")).toEqual([[5n]]);
  });

  test.each([1, 302, 5_000])(
    "pushes and pulls a transaction of %i frames",
    { timeout: 60_000 },
    async (frames) => {
      const server = await OfflineServer.start();
      await server.query("CREATE TABLE blobs (id INTEGER PRIMARY KEY, v BLOB)");
      const [a, b] = [await deviceOf(server, "a"), await deviceOf(server, "b")];
      const begun = [a.generation, b.generation];
      // A row fills a page of its own; some more pages hold the tree.
      const rows = Array.from({ length: frames === 1 ? 1 : frames }, (_, n) => [
        Buffer.alloc(frames === 1 ? 10 : 3_900, n),
      ]);
      await a.call("runAll", "INSERT INTO blobs (v) VALUES (?)", rows);
      await a.run("UPDATE blobs SET v = 'last' WHERE id = 1");
      await exchange(a, b);
      const sum = "SELECT count(*), sum(length(v)), max(hex(v)) FROM blobs";
      const expected = await a.query(sum);
      expect(expected[0]?.[0]).toBe(BigInt(rows.length));
      expect(await b.query(sum)).toEqual(expected);
      expect(await server.query("SELECT count(*) FROM blobs")).toEqual([[String(rows.length)]]);
      expect(await b.integrity()).toBe("ok");
      await server.contents();
      if (frames < 5_000) return;
      // So long a log was moved into the file, and the next generation began.
      for (const device of [a, b]) expect(device.logBytes).toBe(0);
      expect([a.generation, b.generation]).toEqual(begun.map((generation) => generation + 1));
      await a.run("INSERT INTO blobs (v) VALUES ('of the next generation')");
      await exchange(a, b);
      expect(await b.query("SELECT count(*) FROM blobs")).toEqual([[5_001n]]);
    },
  );

  test("writes to a table that others drop meanwhile: its rows are kept aside", async () => {
    const server = await OfflineServer.start();
    await server.query(NOTES, "CREATE TABLE other (id INTEGER PRIMARY KEY)");
    const [a, b] = [await deviceOf(server, "a"), await deviceOf(server, "b")];
    await a.exec("DROP TABLE notes");
    await b.run("INSERT INTO notes VALUES ('b', 'has no place any more')");
    await b.run("INSERT INTO other VALUES (1)");
    await exchange(a, b);
    for (const device of [a, b]) {
      expect(await device.contents()).toEqual({ other: ["id=1"] });
      const kept = await device.query("SELECT table_name, change FROM tributary_refused");
      expect(kept).toEqual([["notes", expect.stringContaining("has no place any more")]]);
    }
  });

  test("is told from others by its token where its URL does not say", async () => {
    const tokens = ["token-of-phone-01", "token-of-laptop-1"];
    const authorize = staticTokens([
      ...tokens.map((token) => ({ token, access: "write" as const, client: token })),
      { token: "token-of-a-reader", access: "read", client: "reader" },
    ]);
    const server = await OfflineServer.start({ authorize });
    const [a, b] = [
      new LibsqlDevice(server.url, { authToken: tokens[0] }),
      new LibsqlDevice(server.url, { authToken: tokens[1] }),
    ];
    for (const device of [a, b]) await device.open();
    await a.exec(`${NOTES}; INSERT INTO notes VALUES ('a', 'from a')`);
    await b.exec(`${NOTES}; INSERT INTO notes VALUES ('b', 'from b')`);
    await exchange(a, b);
    const expected = [
      ["a", "from a"],
      ["b", "from b"],
    ];
    expect(await a.query(ALL)).toEqual(expected);
    expect(await b.query(ALL)).toEqual(expected);

    const reader = await new LibsqlDevice(server.url, { authToken: "token-of-a-reader" }).open();
    await reader.run("INSERT INTO notes VALUES ('r', 'not allowed')");
    await expect(reader.sync()).rejects.toThrow(/PushFrame\(403/);
    const stranger = new LibsqlDevice(server.url, { authToken: "nobody-knows-this" });
    await expect(stranger.open()).rejects.toThrow(/401/);
    expect(await a.query(ALL)).toEqual(expected);
  });

  test("may have a slash behind its URL, and others of the same device do not disturb it", async () => {
    const server = await OfflineServer.start();
    await server.query(NOTES);
    const [one, two] = [
      await new LibsqlDevice(`${server.deviceUrl("phone")}/`).open(),
      await deviceOf(server, "phone"),
    ];
    await one.run("INSERT INTO notes VALUES ('1', 'one')");
    await two.run("INSERT INTO notes VALUES ('2', 'two')");
    await exchange(one, two);
    expect(await one.query("SELECT id FROM notes ORDER BY id")).toEqual([["1"], ["2"]]);
    expect(await two.query("SELECT id FROM notes ORDER BY id")).toEqual([["1"], ["2"]]);
  });
});

describe("@libsql/client", () => {
  test("writes offline, in batches and transactions, and syncs", async () => {
    const server = await OfflineServer.start();
    await server.query(NOTES);
    const device = await new LibsqlDevice(server.deviceUrl("client")).openClient();
    await device.call("execute", { sql: "INSERT INTO notes VALUES (?, ?)", args: ["1", "one"] });
    await device.call(
      "batch",
      ["INSERT INTO notes VALUES ('2', 2)", "INSERT INTO notes VALUES ('3', 3)"],
      "write",
    );
    await device.call("transactWithClient", ["INSERT INTO notes VALUES ('4', 'committed')"], "commit");
    await device.call("transactWithClient", ["INSERT INTO notes VALUES ('5', 'rolled back')"], "rollback");
    expect(await server.query("SELECT count(*) FROM notes")).toEqual([["0"]]);
    await device.call("syncClient");
    const ids = "SELECT id FROM notes ORDER BY id";
    expect(await server.query(ids)).toEqual([["1"], ["2"], ["3"], ["4"]]);
    await server.query("INSERT INTO notes VALUES ('6', 'of the server')");
    await device.call("syncClient");
    expect(await device.call("execute", ids)).toEqual([["1"], ["2"], ["3"], ["4"], ["6"]]);
  });

  test("without `offline` reads its file, writes to the server, and reads what it wrote", async () => {
    const server = await OfflineServer.start();
    await server.query(NOTES);
    const device = await new LibsqlDevice(server.deviceUrl("client"), { offline: false }).openClient();
    await device.call("execute", { sql: "INSERT INTO notes VALUES (?, ?)", args: ["1", "one"] });
    await device.call("batch", ["INSERT INTO notes VALUES ('2', 2)"], "write");
    await device.call("transactWithClient", ["INSERT INTO notes VALUES ('3', 3)"], "commit");
    const ids = "SELECT id FROM notes ORDER BY id";
    expect(await server.query(ids)).toEqual([["1"], ["2"], ["3"]]);
    expect(await device.call("execute", ids)).toEqual([["1"], ["2"], ["3"]]);
    await server.query("INSERT INTO notes VALUES ('4', 'of the server')");
    expect(await device.call("execute", ids)).toEqual([["1"], ["2"], ["3"]]);
    await device.call("syncClient");
    expect(await device.call("execute", ids)).toEqual([["1"], ["2"], ["3"], ["4"]]);
  });
});
