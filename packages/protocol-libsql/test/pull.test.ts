import { describe, expect, it } from "vitest";
import { errorOf, pull, queryFile, rowsOf, run, setUp } from "./test-protocol.js";

const CREATE = "CREATE TABLE t (a INTEGER PRIMARY KEY, b)";
const COUNT = "SELECT count(*) FROM t";

describe("a pull", () => {
  it("walks through generations one by one", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    server.roll();
    server.query("INSERT INTO t (b) VALUES ('two')");
    server.roll();
    server.roll();
    server.query("INSERT INTO t (b) VALUES ('four')");
    server.requests.length = 0;
    const second = await pull(protocol, first);
    expect(queryFile(second, "SELECT b FROM t")).toEqual([["two"], ["four"]]);
    expect(second.pageIds, "the schema page and that of the table").toEqual([0, 1]);
    expect(server.takeRequests().map((request) => request.split("/")[2])).toEqual([
      "1",
      "2",
      "2",
      "3",
      "4",
      "4",
    ]);
  });

  it("brings nothing where only the name of the generation has changed, and keeps the revision", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    server.roll();
    const second = await pull(protocol, first);
    expect([second.pageIds, second.revision]).toEqual([[], first.revision]);
    server.query("INSERT INTO t (b) VALUES ('two')");
    expect((await pull(protocol, first)).pageIds.length).toBeLessThanOrEqual(2);
    server.roll();
    server.query("DROP TABLE t");
    expect(queryFile(await pull(protocol, first), "SELECT count(*) FROM sqlite_schema")).toEqual([[0]]);
  });

  it("since a revision of before a restart brings what changed, whichever generation it was in", async () => {
    const { server, protocol, reopen } = await setUp();
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES (zeroblob(100000))");
    const first = await pull(protocol);
    server.query("INSERT INTO t (b) VALUES ('two')");
    await pull(protocol);
    server.roll();
    await pull(protocol);
    server.query("UPDATE t SET b = 'three' WHERE a = 2");
    const second = await pull(await reopen(), first);
    expect(second.pageIds.length).toBeLessThan(5);
    expect(queryFile(second, "SELECT a, length(b) FROM t")).toEqual([
      [1, 100_000],
      [2, 5],
    ]);
  });

  it("since a revision that nobody knows brings all pages", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    for (const revision of ["", "17", first.revision.replace(/.$/, "9"), first.revision.replace(/^./, "!")]) {
      expect((await pull(protocol, { ...first, revision })).pageIds).toEqual([0, 1]);
    }
  });

  it("takes a transaction only when its end has come", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    server.query("INSERT INTO t (b) VALUES (zeroblob(50000))");
    server.framesPerAnswer = 5;
    const held = server.frames.splice(-4);
    expect((await pull(protocol, first)).pageIds, "half of it is not shown").toEqual([]);
    server.frames.push(...held);
    const second = await pull(protocol, first);
    expect(queryFile(second, "SELECT length(b) FROM t")).toEqual([[50_000]]);
    expect(await rowsOf(protocol, COUNT)).toEqual([[1n]]);
  });

  it("takes more frames than it asked for, and answers cut anywhere", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES (zeroblob(1000000))");
    const all = Buffer.concat(server.frames);
    server.intercept = ({ path }, response) => {
      if (path !== "/sync/1/1/129") return false;
      response.writeHead(200);
      for (let at = 0; at < all.length; at += 3_001) response.write(all.subarray(at, at + 3_001));
      response.end();
      return true;
    };
    expect(queryFile(await pull(protocol), "SELECT length(b) FROM t")).toEqual([[1_000_000]]);
  });

  it("of a revision by name asks nobody, and is refused once the mirror does not have it", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    const { revision, file } = await pull(protocol);
    server.query("INSERT INTO t (b) VALUES ('two')");
    await pull(protocol);
    server.requests.length = 0;
    const { pull: handle, header } = await protocol.startPull({
      serverRevision: revision,
      longPollTimeoutMs: 0,
    });
    const batch = await protocol.receivePages(handle);
    expect([header.revision, Buffer.from(batch?.bytes ?? []).equals(file)]).toEqual([revision, true]);
    expect(server.takeRequests()).toEqual([]);
    server.roll();
    await pull(protocol);
    const error = await errorOf(protocol.startPull({ serverRevision: revision, longPollTimeoutMs: 0 }));
    expect([error.code, error.details.status]).toEqual(["remote-rejected", 410]);
  });

  it("is cut off where a batch begins another generation under it", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES (zeroblob(2000000))");
    const { pull: handle } = await protocol.startPull({ longPollTimeoutMs: 0 });
    await protocol.receivePages(handle);
    server.roll();
    await rowsOf(protocol, COUNT);
    expect((await errorOf(protocol.receivePages(handle))).code).toBe("unreachable");
    await protocol.endPull(handle);
    expect(queryFile(await pull(protocol), COUNT)).toEqual([[1]]);
  });

  it("shows one state, whatever is written while it goes on", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES (zeroblob(2000000))");
    const expected = server.image();
    const { pull: handle, header } = await protocol.startPull({ longPollTimeoutMs: 0 });
    const file = Buffer.alloc(header.databaseSize * 4096);
    for (
      let batch = await protocol.receivePages(handle);
      batch;
      batch = await protocol.receivePages(handle)
    ) {
      for (const [index, id] of batch.pageIds.entries())
        file.set(batch.bytes.subarray(index * 4096, (index + 1) * 4096), id * 4096);
      await run(protocol, "UPDATE t SET b = randomblob(2000000)");
    }
    expect(file.fill(0, 18, 20).equals(expected.fill(0, 18, 20))).toBe(true);
  });

  it("counts pages that SQLite made and freed without writing them", async () => {
    const { server, protocol } = await setUp();
    await run(protocol, CREATE);
    const first = await pull(protocol);
    // The free pages at the end of the file are in no frame.
    await run(protocol, "BEGIN", "INSERT INTO t (b) VALUES (zeroblob(100000))", "DELETE FROM t", "COMMIT");
    const second = await pull(protocol, first);
    expect(second.file.length).toBeGreaterThan(first.file.length + 50_000);
    expect(queryFile(second, "PRAGMA freelist_count")).not.toEqual([[0]]);
    server.roll();
    await pull(protocol);
    expect(queryFile(await pull(protocol), "PRAGMA freelist_count")).not.toEqual([[0]]);
    expect(queryFile(await pull(protocol, first), "PRAGMA freelist_count")).not.toEqual([[0]]);
  });
});

describe("a long-poll", () => {
  it("asks gently until something comes", async () => {
    const { server, protocol, clock } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    clock.onSleep = () => {
      if (clock.sleeps.length === 6) server.query("INSERT INTO t (b) VALUES ('now')");
    };
    expect(queryFile(await pull(protocol, first, 60_000), COUNT)).toEqual([[1]]);
    expect(clock.sleeps).toEqual([500, 1000, 2000, 4000, 4000, 4000]);
  });

  it("ends with its time", async () => {
    const { server, protocol, clock } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    const second = await pull(protocol, first, 2_000);
    expect([second.pageIds, second.revision, clock.sleeps]).toEqual([[], first.revision, [500, 1000, 500]]);
  });

  it("is ended by wake, and brings nothing", async () => {
    const { server, protocol, clock } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    clock.onSleep = () => protocol.wake();
    const second = await pull(protocol, first, 60_000);
    expect([second.pageIds, second.revision, clock.sleeps]).toEqual([[], first.revision, [500]]);
  });

  it("lets batches through while it waits, and brings what they wrote", async () => {
    const { server, protocol, clock } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    clock.onSleep = async () => {
      await run(protocol, "INSERT INTO t (b) VALUES ('mine')");
    };
    expect(queryFile(await pull(protocol, first, 60_000), COUNT)).toEqual([[1]]);
  });

  it("is aborted by its signal", async () => {
    const { server, protocol, clock } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    const controller = new AbortController();
    clock.onSleep = () => controller.abort(new Error("enough"));
    const error = await errorOf(pull(protocol.withSignal(controller.signal), first, 60_000));
    expect([error.code, error.cause]).toEqual(["aborted", new Error("enough")]);
    expect(queryFile(await pull(protocol), COUNT)).toEqual([[0]]);
  });
});

describe("an operation", () => {
  it("whose signal is aborted does not wait for its turn", async () => {
    const { server, protocol } = await setUp();
    let release = (): void => {};
    const asked = new Promise<void>((resolve) => {
      server.intercept = (request, response) => {
        if (request.path !== "/info") return false;
        release = () => {
          server.intercept = () => false;
          server.handle(request, response);
        };
        resolve();
        return true;
      };
    });
    const first = pull(protocol);
    await asked;
    const controller = new AbortController();
    const second = errorOf(pull(protocol.withSignal(controller.signal)));
    controller.abort();
    expect((await second).code).toBe("aborted");
    release();
    expect((await first).pageIds).toEqual([0]);
  });

  it("is ended by close, as are all that follow", async () => {
    const { server, protocol } = await setUp();
    const asked = new Promise<void>((resolve) => {
      server.intercept = () => {
        resolve();
        return true;
      };
    });
    const pending = errorOf(pull(protocol));
    await asked;
    await protocol.close();
    expect((await pending).code).toBe("invalid-state");
    expect((await errorOf(pull(protocol))).code).toBe("invalid-state");
    expect((await errorOf(run(protocol, "SELECT 1"))).code).toBe("invalid-state");
    await protocol.close();
  });
});

describe("a remote that is another one", () => {
  it("has lost frames that the mirror has: the mirror is made anew when that shows", async () => {
    const { server, protocol, reopen } = await setUp();
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES ('lost')");
    const first = await pull(protocol);
    server.forget(1);
    server.query("INSERT INTO t (b) VALUES ('other')");
    const second = await pull(await reopen(), first);
    expect(queryFile(second, "SELECT b FROM t")).toEqual([["other"]]);
    expect(second.pageIds, "all pages: it is another history").toEqual([0, 1]);
  });

  it("knows nothing of the generation: the mirror is made anew, once", async () => {
    const { server, protocol } = await setUp();
    server.query(CREATE);
    const first = await pull(protocol);
    server.replace(77);
    expect(queryFile(await pull(protocol, first), COUNT)).toEqual([[0]]);
    await run(protocol, "INSERT INTO t (b) VALUES ('two')");
    expect(server.query(COUNT)).toEqual([[1n]]);
  });

  it("is asked again for the last frame after it was out of reach", async () => {
    const { server, protocol } = await setUp({ retry: { attempts: 1 } });
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES ('lost')");
    const first = await pull(protocol);
    server.intercept = (_request, response) => {
      response.destroy();
      return true;
    };
    expect((await errorOf(pull(protocol, first))).code).toBe("unreachable");
    server.intercept = () => false;
    server.forget(1);
    expect(queryFile(await pull(protocol, first), COUNT)).toEqual([[0]]);
  });
});
