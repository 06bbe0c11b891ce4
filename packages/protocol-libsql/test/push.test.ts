import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { FRAME_SIZE, sealFrame, WalChecksum, type WalHeader, WalScanner } from "@tributary/core";
import { createLibsqlProtocol } from "@tributary/protocol-libsql";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../tests/support/temporary-directory.js";
import { sendJson } from "./reference-server.js";
import { errorOf, pull, rowsOf, run, setUp } from "./test-protocol.js";

/** A transaction of a little more than so many frames. */
const large = (rows: number): string[] => [
  "BEGIN IMMEDIATE",
  `INSERT INTO t (b) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT zeroblob(3900) FROM n`,
  "COMMIT",
];
const CREATE = "CREATE TABLE t (a INTEGER PRIMARY KEY, b)";
const COUNT = "SELECT count(*) FROM t";

describe("a push", () => {
  it("sends the frames that SQLite wrote, and a batch that wrote nothing sends nothing", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    const frames = server.frames.length;
    expect(server.takeRequests()).toEqual([
      "GET /info",
      "GET /export/1",
      "GET /sync/1/1/129",
      `POST /sync/1/1/${frames + 1}`,
    ]);
    server.query("INSERT INTO t (b) VALUES ('theirs')");
    const more = server.frames.length;
    expect(await rowsOf(protocol, "SELECT b FROM t")).toEqual([["theirs"]]);
    expect(server.takeRequests()).toEqual([
      `GET /sync/1/${frames + 1}/${frames + 129}`,
      `GET /sync/1/${more + 1}/${more + 129}`,
    ]);
  });

  it("goes in batches of 128 with the baton of the one before, and comes back to nobody", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    server.requests.length = 0;
    const from = server.frames.length + 1;
    await run(protocol, ...large(300));
    const posts = server.requests.filter(({ method }) => method === "POST");
    const last = server.frames.length;
    expect(last - from).toBeGreaterThan(300);
    expect(posts.map(({ path }) => path)).toEqual([
      `/sync/1/${from}/${from + 128}`,
      `/sync/1/${from + 128}/${from + 256}/b-1`,
      `/sync/1/${from + 256}/${last + 1}/b-2`,
    ]);
    expect(posts[0]?.headers).toMatchObject({ "content-length": String(128 * FRAME_SIZE) });
    expect(posts[0]?.headers).not.toHaveProperty("content-type");
    const first = await pull(protocol);
    expect((await pull(protocol, first)).pageIds).toEqual([]);
    expect(server.query(COUNT)).toEqual([[300n]]);
  });

  it("has running checksums that go through what was pulled, as one log of a client's", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    const first = Buffer.concat(server.frames);
    server.query("INSERT INTO t (b) VALUES ('theirs')");
    server.query("INSERT INTO t (b) VALUES (zeroblob(5000))");
    const pulled = server.frames.slice(first.length / FRAME_SIZE);
    server.requests.length = 0;
    await run(protocol, "INSERT INTO t (b) VALUES ('ours')");
    const push = server.requests.find(({ method }) => method === "POST")?.body as Buffer;
    const header = {
      bigEndianChecksums: false,
      pageSize: 4096,
      salt1: first.readUInt32BE(8),
      salt2: first.readUInt32BE(12),
    } as WalHeader;
    expect([push.readUInt32BE(8), push.readUInt32BE(12)]).toEqual([header.salt1, header.salt2]);
    const at = first.length - FRAME_SIZE;
    const chain = new WalChecksum(false, first.readUInt32BE(at + 16), first.readUInt32BE(at + 20));
    for (const frame of pulled) {
      const fields = { pageNumber: frame.readUInt32BE(0), databaseSize: frame.readUInt32BE(4) };
      sealFrame(Buffer.from(frame), 0, fields, header, chain);
    }
    const scanner = new WalScanner(header, { frames: 0, checksum1: chain.first, checksum2: chain.second });
    expect(scanner.feed(push)).toHaveLength(1);
  });

  it("that meets a conflict is run again on what came between, and never stuck", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    let rivals = 2;
    server.intercept = ({ method }) => {
      if (method === "POST" && rivals-- > 0) server.query("INSERT INTO t (b) VALUES ('rival')");
      return false;
    };
    const results = await run(protocol, "INSERT INTO t (b) SELECT 'after ' || count(*) FROM t RETURNING b");
    expect(results).toEqual([{ type: "ok", rows: [["after 2"]] }]);
    expect(server.query("SELECT b FROM t ORDER BY a")).toEqual([["rival"], ["rival"], ["after 2"]]);
    expect(await rowsOf(protocol, COUNT)).toEqual([[3n]]);
  });

  it("that others are always ahead of gives up with timeout, and keeps nothing of it", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    server.intercept = ({ method }) => {
      if (method === "POST") server.query("INSERT INTO t (b) VALUES ('rival')");
      return false;
    };
    expect(await errorOf(run(protocol, "INSERT INTO t (b) VALUES ('ours')"))).toMatchObject({
      code: "timeout",
    });
    server.intercept = () => false;
    expect(await rowsOf(protocol, "SELECT count(*) FROM t WHERE b = 'ours'")).toEqual([[0n]]);
  });

  it("that conflicts with nothing is sent by a new mirror", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    server.requests.length = 0;
    let conflicts = 0;
    server.intercept = ({ method }, response) => {
      const isStuck = method === "POST" && !server.requests.some(({ path }) => path === "/info");
      if (!isStuck) return false;
      conflicts++;
      sendJson(response, 200, { status: "conflict", generation: 1, max_frame_no: 2 });
      return true;
    };
    await run(protocol, "INSERT INTO t (b) VALUES ('ours')");
    expect([conflicts, server.query(COUNT)]).toEqual([2, [[1n]]]);
  });

  it("that is refused also from a new mirror fails with remote-rejected, and stays pending", async () => {
    const { server, protocol, clock } = await setUp();
    await run(protocol, CREATE);
    server.intercept = ({ method }, response) => {
      if (method !== "POST") return false;
      sendJson(response, 200, { status: "conflict", generation: 1, max_frame_no: 2 });
      return true;
    };
    const error = await errorOf(run(protocol, "INSERT INTO t (b) VALUES ('ours')"));
    expect(error.code).toBe("remote-rejected");
    expect(server.takeRequests().filter((request) => request === "GET /info")).toHaveLength(2);
    // Each download costs the server a copy: one that never takes anything is not asked for another one each time.
    expect((await errorOf(run(protocol, "INSERT INTO t (b) VALUES ('ours')"))).code).toBe("remote-rejected");
    expect(server.takeRequests()).not.toContain("GET /info");
    await clock.sleep(3_600_000, undefined);
    await errorOf(run(protocol, "INSERT INTO t (b) VALUES ('ours')"));
    expect(server.takeRequests().filter((request) => request === "GET /info")).toHaveLength(1);
  });
});

describe("an answer to a push", () => {
  it("that names fewer frames has the rest sent, from there, without a baton", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    const from = server.frames.length + 1;
    server.requests.length = 0;
    let posts = 0;
    server.intercept = ({ method }, response) => {
      if (method !== "POST" || ++posts !== 2) return false;
      // As a server that has lost what it had staged.
      sendJson(response, 200, { status: "ok", generation: 1, max_frame_no: from - 1 });
      return true;
    };
    await run(protocol, ...large(150));
    const last = server.frames.length;
    expect(server.takeRequests().filter((request) => request.startsWith("POST"))).toEqual([
      `POST /sync/1/${from}/${from + 128}`,
      `POST /sync/1/${from + 128}/${last + 1}/b-1`,
      `POST /sync/1/${from}/${from + 128}`,
      `POST /sync/1/${from + 128}/${last + 1}/b-2`,
    ]);
    expect(server.query(COUNT)).toEqual([[150n]]);
  });

  it("that names fewer than were acknowledged before has these sent again too", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE, "INSERT INTO t (b) VALUES ('one')");
    const had = server.frames.length;
    let isRestored = false;
    server.intercept = ({ method }) => {
      if (method === "POST" && !isRestored) {
        isRestored = true;
        server.forget(1);
      }
      return false;
    };
    server.requests.length = 0;
    await run(protocol, "INSERT INTO t (b) VALUES ('two')");
    expect(server.takeRequests().slice(-1)).toEqual([`POST /sync/1/${had}/${server.frames.length + 1}`]);
    expect(server.query("SELECT b FROM t")).toEqual([["one"], ["two"]]);
  });

  it("that names fewer twice is an error, after which the next batch goes on", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    const from = server.frames.length + 1;
    server.intercept = ({ method }, response) => {
      if (method !== "POST") return false;
      sendJson(response, 200, { status: "ok", generation: 1, max_frame_no: from - 1 });
      return true;
    };
    server.requests.length = 0;
    const error = await errorOf(run(protocol, "INSERT INTO t (b) VALUES ('lost')"));
    expect(error.code).toBe("unexpected-response");
    expect(server.takeRequests().filter((request) => request.startsWith("POST"))).toHaveLength(2);
    server.intercept = () => false;
    await run(protocol, "INSERT INTO t (b) VALUES ('two')");
    expect(server.query("SELECT b FROM t")).toEqual([["two"]]);
  });

  it.each([
    ["its frames with those of another behind them", true, "INSERT INTO t (b) VALUES ('theirs')"],
    ["its frames alone", true, undefined],
    ["another's frames in their place", false, "INSERT INTO t (b) VALUES ('theirs')"],
  ])("that names more is looked into: the server has %s", async (_what, takes, theirs) => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    let isFirst = true;
    server.intercept = (request, response) => {
      if (request.method !== "POST" || !isFirst) return false;
      isFirst = false;
      if (takes) server.handleSilently(request);
      if (theirs !== undefined) server.query(theirs);
      sendJson(response, 200, {
        status: "ok",
        generation: 1,
        max_frame_no: server.frames.length + (theirs ? 0 : 5),
      });
      return true;
    };
    const results = await run(protocol, "INSERT INTO t (b) VALUES ('ours') RETURNING b");
    expect(results).toEqual([{ type: "ok", rows: [["ours"]] }]);
    expect(server.query("SELECT count(*) FROM t WHERE b = 'ours'")).toEqual([[1n]]);
    expect(await rowsOf(protocol, COUNT)).toEqual([[theirs ? 2n : 1n]]);
  });

  it.each([true, false])(
    "that names another generation leaves it open, and the next batch sees (taken: %s)",
    async (takes) => {
      const { server, protocol } = await setUp();
      await run(protocol, CREATE);
      server.intercept = (request, response) => {
        if (request.method !== "POST") return false;
        server.intercept = () => false;
        if (takes) server.handleSilently(request);
        server.roll();
        sendJson(response, 200, { status: "ok", generation: 2, max_frame_no: 2 });
        return true;
      };
      const error = await errorOf(run(protocol, "INSERT INTO t (b) VALUES ('ours')"));
      expect(error.code).toBe("unexpected-response");
      expect(await rowsOf(protocol, COUNT)).toEqual([[takes ? 1n : 0n]]);
    },
  );

  it("that is lost is asked for again, with the same frames", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    server.requests.length = 0;
    server.intercept = (request, response) => {
      if (request.method !== "POST") return false;
      server.intercept = () => false;
      server.handleSilently(request);
      response.destroy();
      return true;
    };
    await run(protocol, "INSERT INTO t (b) VALUES ('ours')");
    const posts = server.requests.filter(({ method }) => method === "POST");
    expect(posts.at(-1)).toMatchObject({ path: posts[0]?.path, body: posts[0]?.body });
    expect(server.query(COUNT)).toEqual([[1n]]);
  });

  it.each([true, false])(
    "that never comes leaves it open, and the next batch sees (taken: %s)",
    async (takes) => {
      const { server, protocol } = await setUp({ retry: { attempts: 2 } });
      await run(protocol, CREATE);
      server.intercept = (request, response) => {
        if (request.method !== "POST") return false;
        if (takes) server.handleSilently(request);
        response.destroy();
        return true;
      };
      expect((await errorOf(run(protocol, "INSERT INTO t (b) VALUES ('ours')"))).code).toBe("unreachable");
      server.intercept = () => false;
      expect(await rowsOf(protocol, COUNT)).toEqual([[takes ? 1n : 0n]]);
      await run(protocol, "INSERT INTO t (b) VALUES ('more')");
      expect(server.query(COUNT)).toEqual([[takes ? 2n : 1n]]);
    },
  );
});

describe("a process that ends while it pushes", () => {
  it.each([
    ["between two batches", 1, 0n],
    ["when the last one was taken, and it had not noted that", 2, 150n],
  ])("%s: nothing is lost, and nothing sent twice", async (_when, batches, rows) => {
    const { server, protocol, mirrorPath } = await setUp({ retry: { attempts: 1 } });
    await run(protocol, CREATE);
    const killed = temporaryDirectory();
    let posts = 0;
    server.intercept = (request, response) => {
      if (request.method !== "POST" || ++posts < batches) return posts > batches;
      server.handleSilently(request);
      cpSync(dirname(mirrorPath), killed, { recursive: true });
      response.destroy();
      return true;
    };
    await errorOf(run(protocol, ...large(150)));
    server.intercept = () => false;
    const after = createLibsqlProtocol({ url: server.url, mirrorPath: join(killed, "mirror") });
    onTestFinished(() => after.close());
    expect(await rowsOf(after, COUNT)).toEqual([[rows]]);
    server.requests.length = 0;
    await run(after, "INSERT INTO t (b) VALUES ('next')");
    expect(server.query(COUNT)).toEqual([[rows + 1n]]);
    const sent = server.requests
      .filter(({ method }) => method === "POST")
      .map(({ body }) => body.length / FRAME_SIZE);
    expect(sent, "what the server lacks, and no more").toEqual([expect.toSatisfy((count) => count < 10)]);
  });
});
