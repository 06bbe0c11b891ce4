import type { Channel } from "@tributary/core";
import { LiveRefusal } from "@tributary/live";
import type { Access, Authorize, RequestReport } from "@tributary/server";
import { encodeLiveBatch } from "@tributary/wire";
import { describe, expect, test } from "vitest";
import { outline } from "../support/live-server-client.js";
import { connectLive, openLiveServer, pushSteps, runSql, step } from "../support/live-server-databases.js";

const CREATE = "CREATE TABLE t(a INTEGER PRIMARY KEY, b)";
const MANY =
  "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) SELECT i, zeroblob(3000) FROM n";

describe("access", () => {
  /** Tokens are written as `database:access:seconds`, several of them with commas between. */
  const authorize: Authorize = ({ database, token = "" }) => {
    for (const part of token.split(",")) {
      const [name, access, seconds] = part.split(":");
      if (name !== database) continue;
      return {
        access: access as Access,
        client: "somebody",
        ...(seconds === undefined ? {} : { expiresAt: Date.now() + Number(seconds) * 1_000 }),
      };
    }
    return token === ""
      ? { denied: "unauthenticated", code: "AUTH_HEADER_NOT_FOUND", message: "a token is needed" }
      : { denied: "forbidden", code: "AUTH_FORBIDDEN", message: "the token is not for this" };
  };

  test("is checked for each database that is opened, and told of", async () => {
    const reports: RequestReport[] = [];
    const { server } = openLiveServer({ authorize, onRequest: (report) => reports.push(report) });
    const client = await connectLive(server, { remoteAddress: "::1" }, "one:write,two:read");
    client.open(1, "one");
    client.open(2, "two");
    client.open(3, "three");
    client.open(4, "no name");
    client.open(5, "");
    expect(outline(await client.heard()).sort()).toEqual([
      "failed 2/0 404 no-such-database",
      "failed 3/0 403 AUTH_FORBIDDEN",
      "failed 4/0 400 invalid-name",
      "failed 5/0 404 no-such-database",
      "opened 1",
    ]);
    const told = reports.map(({ route, database, client: who, status }) => [route, database, who, status]);
    const summary = told.map((line) => line.join(" ")).sort();
    expect(summary).toEqual([
      "live  ::1 101",
      "live  ::1 400",
      "live  ::1 404",
      "live one somebody 101",
      "live three ::1 403",
      "live two ::1 404",
    ]);
  });

  test("without a token ends with the hello", async () => {
    const { server } = openLiveServer({ authorize });
    await expect(connectLive(server)).rejects.toThrow('"status":401,"code":"AUTH_HEADER_NOT_FOUND"');
  });

  test("to read lets nobody write", async () => {
    const { server } = openLiveServer({ authorize });
    await server.databases.create("one");
    const client = await connectLive(server, { database: "one" }, "one:read");
    client.open(1);
    await client.next("opened");
    expect(await pushSteps(client, 1, [step(CREATE)])).toMatchObject([
      { type: "error", sqlCode: expect.stringContaining("SQLITE_READONLY") },
    ]);
  });

  test("is what the latest token allows, on what is open as well", async () => {
    const { server } = openLiveServer({ authorize });
    const client = await connectLive(server, {}, "one:write,two:write");
    client.open(1, "one");
    client.open(2, "two");
    await client.heard();
    await pushSteps(client, 1, [step(CREATE), step("BEGIN"), step("INSERT INTO t VALUES (1, 1)")], true);
    client.say({ type: "token", token: "one:read" });
    expect(outline(await client.heard())).toEqual(["failed 2/0 403 AUTH_FORBIDDEN", "welcome"]);
    client.say({ type: "push", sub: 1, push: 2, isContinued: false, body: new Uint8Array(2) });
    expect(outline(await client.heard())).toEqual(["failed 1/2 409 transaction-lost"]);
    expect(await pushSteps(client, 3, [step("INSERT INTO t VALUES (1, 1)")])).toMatchObject([
      { type: "error" },
    ]);
    client.say({ type: "token", token: "one:write" });
    expect(outline(await client.heard())).toEqual(["welcome"]);
  });

  test("to one database ends when its token has expired", async () => {
    const { server, clock } = openLiveServer({ authorize, keepAliveMs: 1_000_000 });
    const client = await connectLive(server, {}, "one:write:60,two:write");
    client.open(1, "one");
    client.open(2, "two");
    await client.heard();
    client.say({ type: "token", token: "one:write:120,two:write" });
    await client.heard();
    clock.advance(100_000);
    expect(await client.heard()).toEqual([]);
    clock.advance(20_000);
    expect(outline(await client.heard())).toEqual(["failed 1/0 401 token-expired"]);
  });

  test("to the database of the address ends the channel, and a fresh token keeps it open", async () => {
    const { server, clock } = openLiveServer({ authorize, keepAliveMs: 1_000_000 });
    const client = await connectLive(server, { database: "one" }, "one:write:60");
    client.open(1, "one");
    client.open(2, "two");
    client.pull(1, 1);
    const revision = (await client.heard()).flatMap((message) =>
      message.type === "header" ? [message.revision] : [],
    )[0];
    client.pull(1, 2, revision, { waitMs: 200_000 });
    clock.advance(50_000);
    client.say({ type: "token", token: "one:write:60" });
    const [welcome] = await client.heard();
    expect(welcome?.type === "welcome" && welcome.expiresInMs).toBeGreaterThan(50_000);
    clock.advance(50_000);
    const { body } = encodeLiveBatch([step(CREATE)]);
    client.say({ type: "push", sub: 1, push: 1, isContinued: false, body });
    // The pull that waits was not disturbed.
    expect(outline(await client.heard()).map((line) => line.split(" ", 2).join(" "))).toEqual([
      "header 2",
      "pages 2",
      "end 2",
      "pushed 1",
    ]);
    clock.advance(10_000);
    expect(outline(await client.heard())).toEqual(["failed 0/0 401 token-expired"]);
  });

  test("from a page of another origin ends with the hello", async () => {
    const { server } = openLiveServer();
    const request = new Request("http://localhost/main", { headers: { origin: "https://evil.example" } });
    await expect(connectLive(server, { request })).rejects.toThrow('"status":403');
    await expect(connectLive(server, { request: new Request("http://localhost/No!") })).rejects.toThrow(
      '"code":"invalid-name"',
    );
  });
});

describe("change streams", () => {
  test("are handed to whoever serves them, with what the client may do", async () => {
    const served: string[] = [];
    const { server } = openLiveServer({
      streams: async (database, channel: Channel, grant) => {
        if (database === "closed") throw new LiveRefusal(403, "not-here", "no streams of this one");
        served.push(`${database} ${grant.access}`);
        channel.listen({
          onMessage: (message) => void channel.send(message),
          onDrain: () => {},
          onClose: (reason) => served.push(reason),
        });
      },
    });
    const client = await connectLive(server);
    client.open(1, "main", "stream");
    client.open(2, "closed", "stream");
    client.say({ type: "data", sub: 1, payload: Buffer.from("hello") });
    expect(outline(await client.heard()).sort()).toEqual([
      "data 1 hello",
      "failed 2/0 403 not-here",
      "opened 1",
    ]);
    client.say({ type: "close", sub: 1 });
    await client.heard();
    expect(served).toEqual(["main write", "the client has closed it"]);
  });

  test("are refused where there are none", async () => {
    const { server } = openLiveServer();
    const client = await connectLive(server);
    client.open(1, "main", "stream");
    expect(outline(await client.heard())).toEqual(["failed 1/0 404 no-streams"]);
  });
});

describe("the end", () => {
  test("of a database is told to those who have it open", async () => {
    const { server } = openLiveServer();
    const client = await connectLive(server);
    client.open(1, "one");
    client.open(2, "two");
    client.pull(1, 1);
    client.pull(2, 1);
    const headers = (await client.heard()).filter(({ type }) => type === "header");
    const [one = "", two = ""] = headers.map((message) =>
      message.type === "header" ? message.revision : "",
    );
    client.pull(1, 2, one);
    client.pull(2, 2, two);
    await pushSteps(client, 1, [step("BEGIN IMMEDIATE")], true);
    await server.databases.remove("one");
    expect(outline(await client.heard())).toEqual(["failed 1/0 404 no-such-database"]);
    await runSql(server, "two", CREATE);
    expect(outline(await client.heard())[0]).toMatch(/^header 2/);
  });

  test("of a server lets finish what runs, and ends what waits", async () => {
    const { server } = openLiveServer();
    await runSql(server, "main", CREATE, MANY);
    const client = await connectLive(server);
    client.open(1, "main");
    client.pull(1, 1, undefined, { credit: 64 * 4096 });
    client.pull(1, 2, undefined, { pages: { from: 0, to: 1 } });
    const heard = await client.heard();
    const revision = heard.flatMap((message) => (message.type === "header" ? [message.revision] : []))[0];
    client.pull(1, 3, revision);
    await client.heard();
    let isDrained = false;
    const drained = server.drain().then(() => {
      isDrained = true;
    });
    expect(outline(await client.heard())).toEqual(["failed 1/3 503 going-away"]);
    expect(isDrained).toBe(false);
    client.say({ type: "credit", sub: 1, pull: 1, bytes: 1 << 30 });
    expect(outline(await client.heard()).slice(-2)).toEqual(["end 1", "failed 0/0 503 going-away"]);
    await drained;
    await expect(connectLive(server)).rejects.toThrow('"code":"going-away"');
  });

  test("of a server that is closed is told as well", async () => {
    const { server } = openLiveServer();
    const client = await connectLive(server);
    client.open(1, "main");
    client.pull(1, 1);
    await client.heard();
    await server.close();
    expect(outline(await client.heard())).toEqual(["failed 0/0 503 going-away"]);
    expect(server.status().sockets).toBe(0);
  });

  test("of a channel lets go of its databases", async () => {
    const { server } = openLiveServer({ maxOpenDatabases: 1 });
    const client = await connectLive(server);
    client.open(1, "one");
    client.open(2, "two");
    expect(outline(await client.heard())).toEqual(["opened 1", "failed 2/0 503 too-many-databases"]);
    client.channel.close("gone");
    await client.heard();
    const other = await connectLive(server);
    other.open(1, "two");
    expect(outline(await other.heard())).toEqual(["opened 1"]);
  });
});
