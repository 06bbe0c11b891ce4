import { describe, expect, test } from "vitest";
import { LibsqlDevice } from "./support/libsql-offline-device.js";
import { OfflineServer } from "./support/libsql-offline-server.js";

const NOTES = "CREATE TABLE notes (id TEXT PRIMARY KEY, body)";
const IDS = "SELECT id FROM notes ORDER BY id";

describe.each([
  { how: "without a device", options: {}, urlOf: (server: OfflineServer) => server.url },
  {
    how: "where the server is strict",
    options: { libsql: { offline: "strict" as const } },
    urlOf: (server: OfflineServer) => server.deviceUrl("phone"),
  },
])("offline replicas of libSQL $how", ({ options, urlOf }) => {
  async function start(): Promise<{ server: OfflineServer; a: LibsqlDevice; b: LibsqlDevice }> {
    const server = await OfflineServer.start(options);
    await server.query(NOTES);
    const open = (): Promise<LibsqlDevice> => new LibsqlDevice(urlOf(server)).open();
    return { server, a: await open(), b: await open() };
  }

  test("write in turns", async () => {
    const { server, a, b } = await start();
    for (let round = 1; round <= 3; round++) {
      for (const [device, other] of [
        [a, b],
        [b, a],
      ] as const) {
        await device.run("INSERT INTO notes VALUES (?, ?)", `${round}${device === a ? "a" : "b"}`, round);
        await device.sync();
        await other.sync();
      }
      await server.query(`INSERT INTO notes VALUES ('${round}s', 'of the server')`);
      await a.sync();
      await b.sync();
    }
    const expected = [1, 2, 3].flatMap((round) => ["a", "b", "s"].map((who) => [`${round}${who}`]));
    expect(await a.query(IDS)).toEqual(expected);
    expect(await b.query(IDS)).toEqual(expected);
    expect(await server.query(IDS)).toEqual(expected);
    expect(await a.integrity()).toBe("ok");
  });

  test("are told of a conflict, and what they have is neither taken nor lost", async () => {
    const { server, a, b } = await start();
    await a.run("INSERT INTO notes VALUES ('a', 1)");
    await b.run("INSERT INTO notes VALUES ('b', 2)");
    await a.sync();
    await expect(b.sync()).rejects.toThrow(/InvalidPushFrameConflict/);
    await expect(b.sync()).rejects.toThrow(/InvalidPushFrameConflict/);
    expect(await server.query(IDS)).toEqual([["a"]]);
    expect(await b.query(IDS)).toEqual([["b"]]);
    // The first one goes on.
    await a.run("INSERT INTO notes VALUES ('a2', 3)");
    await a.sync();
    expect(await server.query(IDS)).toEqual([["a"], ["a2"]]);
  });

  test("are told of a conflict with what somebody wrote on the server", async () => {
    const { server, a } = await start();
    await a.run("INSERT INTO notes VALUES ('a', 1)");
    await server.query("INSERT INTO notes VALUES ('s', 'first')");
    await expect(a.sync()).rejects.toThrow(/InvalidPushFrameConflict/);
    expect(await server.query(IDS)).toEqual([["s"]]);
  });
});

test("replicas that begin late have what was written before and write at once, and one that is several generations behind catches up", async () => {
  const server = await OfflineServer.start();
  const sleeper = await new LibsqlDevice(server.url).open();
  const first = await new LibsqlDevice(server.url).open();
  await first.exec(NOTES);
  await first.sync();
  const late: LibsqlDevice[] = [];
  for (let n = 1; n <= 3; n++) {
    await first.sync();
    await first.run("INSERT INTO notes VALUES (?, 'of the first')", `first/${n}`);
    await first.sync();
    // It begins with a generation of its own: what is there already is in its file.
    const device = await new LibsqlDevice(server.url).open();
    late.push(device);
    expect(await device.query("SELECT count(*) FROM notes")).toEqual([[BigInt(2 * n - 1)]]);
    await device.run("INSERT INTO notes VALUES (?, 'of a late one')", `late/${n}`);
    await device.sync();
  }
  const generations = [sleeper, ...late].map((device) => device.generation);
  expect(generations).toEqual([1, 2, 3, 4]);
  const expected = ["first", "late"].flatMap((who) => [1, 2, 3].map((n) => [`${who}/${n}`]));
  for (const device of [sleeper, first, ...late]) {
    await device.sync();
    expect(device.generation).toBe(4);
    expect(await device.query(IDS)).toEqual(expected);
    expect(await device.integrity()).toBe("ok");
  }
  await sleeper.run("INSERT INTO notes VALUES ('awake', '')");
  await sleeper.sync();
  expect(await server.query("SELECT count(*) FROM notes")).toEqual([["7"]]);
});
