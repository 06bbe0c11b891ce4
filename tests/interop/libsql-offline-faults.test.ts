import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { LibsqlDevice } from "./support/libsql-offline-device.js";
import { type Fault, type FaultRequest, FaultyFront } from "./support/libsql-offline-front.js";
import { OfflineServer } from "./support/libsql-offline-server.js";

const isPush = ({ method }: FaultRequest): boolean => method === "POST";
const isPull = ({ method, url }: FaultRequest): boolean => method === "GET" && url.includes("/sync/");
const isInfo = ({ url }: FaultRequest): boolean => url.endsWith("/info");
const isExport = ({ url }: FaultRequest): boolean => url.includes("/export/");

const LOST: Fault = { type: "lost" };
const UNHEARD: Fault = { type: "unheard" };
const TRUNCATED: Fault = { type: "truncated" };
const status = (code: number, body = `answered ${code}`): Fault => ({ type: "answer", status: code, body });

/** What a call of the client comes to: what it rejects with, or what it gives. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await call) ?? "done";
  } catch (error) {
    return (error as Error).message;
  }
}

interface Stage {
  readonly server: OfflineServer;
  readonly front: FaultyFront;
  readonly device: LibsqlDevice;
}

/** A replica behind a front. */
async function stage(): Promise<Stage> {
  const server = await OfflineServer.start();
  await server.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
  const front = await FaultyFront.start(server.url);
  const device = await new LibsqlDevice(`${front.url}/device/phone`).open();
  return { server, front, device };
}

/** Syncs until both sides have the same, which takes a push and a pull. */
async function expectSame({ server, front, device }: Stage): Promise<void> {
  front.fault = () => undefined;
  await device.sync();
  await device.sync();
  expect(await device.contents()).toEqual(await server.contents());
  expect(await device.integrity()).toBe("ok");
}

/** What the client makes of an answer to a push, and how many requests it takes it. */
const PUSHES: readonly [what: string, fault: Fault, count: number, outcome: RegExp, requests: number][] = [
  ["a connection that breaks", UNHEARD, 1, /^\{"frames_synced":0/, 1],
  ["a lost answer", LOST, 1, /^\{"frames_synced":0/, 1],
  ["half an answer", TRUNCATED, 1, /HttpBody/, 1],
  ["a redirect to nowhere", status(307), 1, /PushFrame\(307|Redirect|location/i, 1],
  ["400", status(400), 1, /PushFrame\(400, "answered 400"\)/, 1],
  ["401", status(401), 1, /PushFrame\(401, "answered 401"\)/, 1],
  ["403", status(403), 1, /PushFrame\(403/, 1],
  ["404", status(404), 1, /PushFrame\(404/, 1],
  ["409", status(409), 1, /PushFrame\(409/, 1],
  ["418", status(418), 1, /PushFrame\(418/, 1],
  ["500, twice", status(500), 2, /^\{"frames_synced":\d+/, 3],
  ["503, twice", status(503), 2, /^\{"frames_synced":\d+/, 3],
  ["204", { type: "answer", status: 204 }, 1, /Json/, 1],
  ["200 without a body", status(200, ""), 1, /Json/, 1],
];

const PULLS: readonly [what: string, fault: Fault, count: number, outcome: RegExp, requests: number][] = [
  ["a connection that breaks", UNHEARD, 1, /^\{"frames_synced":0/, 1],
  ["a lost answer", LOST, 1, /^\{"frames_synced":0/, 1],
  ["half an answer", TRUNCATED, 1, /HttpBody/, 1],
  ["a redirect to nowhere", status(307), 1, /PullFrame\(307|Redirect|location/i, 1],
  ["400 without the JSON", status(400), 1, /Json/, 1],
  ["400 that ends the generation", status(400, '{"generation":1}'), 1, /^\{"frames_synced":1/, 1],
  ["500 that ends the generation", status(500, '{"generation":1}'), 1, /^\{"frames_synced":1/, 1],
  ["501, twice", status(501), 2, /^\{"frames_synced":1/, 4],
  ["401", status(401), 1, /PullFrame\(401, "answered 401"\)/, 1],
  ["403", status(403), 1, /PullFrame\(403/, 1],
  ["404", status(404), 1, /PullFrame\(404/, 1],
  ["409", status(409), 1, /PullFrame\(409/, 1],
  ["418", status(418), 1, /PullFrame\(418/, 1],
  ["204", { type: "answer", status: 204 }, 1, /InvalidPullFrameBytes\(0\)/, 1],
];

const OPENINGS: readonly [what: string, fault: Fault, info: RegExp, exported: RegExp][] = [
  ["a connection that breaks", UNHEARD, /./, /./],
  ["a lost answer", LOST, /./, /./],
  ["half an answer", TRUNCATED, /./, /./],
  ["a redirect", status(307), /PullDb\(307/, /PullFrame\(307/],
  ["400", status(400), /PullDb\(400/, /PullFrame\(400/],
  ["401", status(401), /PullDb\(401/, /PullFrame\(401/],
  ["404", status(404), /PullDb\(404/, /PullFrame\(404/],
  ["500", status(500), /PullDb\(500/, /PullFrame\(500/],
  ["503", status(503), /PullDb\(503/, /PullFrame\(503/],
];

describe("an offline replica of libSQL goes on", () => {
  test("after whatever a push is answered with", async () => {
    const { server, front, device } = await stage();
    for (const [index, [what, fault, count, expected, requests]] of PUSHES.entries()) {
      await device.run("INSERT INTO notes VALUES (?, ?)", index, what);
      front.takeSeen();
      front.once(isPush, fault, count);
      expect(await outcome(device.sync()), what).toMatch(expected);
      expect(front.takeSeen(), what).toHaveLength(requests);
      await expectSame({ server, front, device });
    }
    expect(await server.query("SELECT count(*) FROM notes")).toEqual([[String(PUSHES.length)]]);
  });

  test("after whatever a pull is answered with", async () => {
    const { server, front, device } = await stage();
    for (const [index, [what, fault, count, expected, requests]] of PULLS.entries()) {
      await server.query(`INSERT INTO notes VALUES (${index}, '${what}')`);
      front.takeSeen();
      front.once(isPull, fault, count);
      expect(await outcome(device.sync()), what).toMatch(expected);
      expect(front.takeSeen(), what).toHaveLength(requests);
      await expectSame({ server, front, device });
    }
    expect(await device.query("SELECT count(*) FROM notes")).toEqual([[BigInt(PULLS.length)]]);
  });

  test("after whatever its first download is answered with", async () => {
    const { server, front, device } = await stage();
    await server.query("INSERT INTO notes VALUES (1, 'there before')");
    for (const [what, fault, info, exported] of OPENINGS) {
      for (const [which, expected] of [
        [isInfo, info],
        [isExport, exported],
      ] as const) {
        const path = join(temporaryDirectory(), "libsql.db");
        const open = (): Promise<unknown> =>
          device.call("open", path, { syncUrl: `${front.url}/device/tablet`, offline: true });
        front.once(which, fault);
        expect(await outcome(open()), what).toMatch(expected);
        front.fault = () => undefined;
        await open();
        expect(await device.query("SELECT body FROM notes"), what).toEqual([["there before"]]);
      }
    }
  });

  test("after a redirect, which it follows once", async () => {
    const { server, front, device } = await stage();
    const elsewhere = (path: string): Fault => ({
      type: "answer",
      status: 307,
      headers: { location: `${server.url}/device/phone${path}` },
    });
    const redirect = (matches: typeof isPush): void => {
      front.fault = (request) =>
        matches(request) ? elsewhere(request.url.replace(/^\/device\/phone/, "")) : undefined;
    };
    await device.run("INSERT INTO notes VALUES (1, 'pushed elsewhere')");
    redirect(isPush);
    await device.sync();
    expect(await server.query("SELECT body FROM notes")).toEqual([["pushed elsewhere"]]);
    await server.query("INSERT INTO notes VALUES (2, 'pulled from elsewhere')");
    redirect(isPull);
    await device.sync();
    expect(await device.query("SELECT count(*) FROM notes")).toEqual([[2n]]);

    await device.run("INSERT INTO notes VALUES (3, 'sent in circles')");
    const circle: Fault = {
      type: "answer",
      status: 307,
      headers: { location: `${front.url}/device/phone/x` },
    };
    front.fault = () => circle;
    expect(await outcome(device.sync())).toMatch(/PushFrame\(307/);
    await expectSame({ server, front, device });
  });

  test("after it has given up trying", { timeout: 60_000 }, async () => {
    const { server, front, device } = await stage();
    const other = await new LibsqlDevice(`${front.url}/device/tablet`).open();
    await device.run("INSERT INTO notes VALUES (1, 'one')");
    front.takeSeen();
    front.fault = () => status(503);
    const [push, pull] = await Promise.all([outcome(device.sync()), outcome(other.sync())]);
    expect(push).toMatch(/PushFrame\(503/);
    expect(pull).toMatch(/PullFrame\(503/);
    // Seven times each.
    expect(front.takeSeen()).toHaveLength(14);
    await expectSame({ server, front, device });
    await expectSame({ server, front, device: other });
  });

  test("after answers of long pushes and pulls were lost at every place", { timeout: 60_000 }, async () => {
    const { server, front, device } = await stage();
    const other = await new LibsqlDevice(`${front.url}/device/tablet`).open();
    await device.exec("CREATE TABLE blobs (id INTEGER PRIMARY KEY, v BLOB)");
    const rows = Array.from({ length: 300 }, (_, n) => [Buffer.alloc(3_900, n)]);
    for (const fault of [LOST, UNHEARD, TRUNCATED]) {
      for (let place = 1; place <= 3; place++) {
        await device.call("runAll", "INSERT INTO blobs (v) VALUES (?)", rows);
        for (const [who, which] of [
          [device, isPush],
          [other, isPull],
        ] as const) {
          let count = 0;
          front.fault = (request) => (which(request) && ++count === place ? fault : undefined);
          await outcome(who.sync());
          expect(count).toBeGreaterThanOrEqual(Math.min(place, 1));
          front.fault = () => undefined;
          await who.sync();
          await who.sync();
        }
      }
    }
    const count = "SELECT count(*), sum(length(v)) FROM blobs";
    const expected = [[2_700n, 2_700n * 3_900n]];
    expect(await device.query(count)).toEqual(expected);
    expect(await other.query(count)).toEqual(expected);
    expect(await server.query("SELECT count(*) FROM blobs")).toEqual([["2700"]]);
    await expectSame({ server, front, device });
    await expectSame({ server, front, device: other });
  });
});
