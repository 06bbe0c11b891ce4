import { describe, expect, it } from "vitest";
import { pull, queryFile, run, setUp } from "./test-protocol.js";

const CREATE = "CREATE TABLE t (a INTEGER PRIMARY KEY, b)";

describe("a server that was restored while the process lives", () => {
  it("and that has gone on past the mirror's last frame, is noticed: no page of the one is laid over the other", async () => {
    const { server, protocol, clock } = await setUp();
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES (zeroblob(20000))");
    const first = await pull(protocol);
    server.forget(server.frames.length - 2);
    await clock.sleep(60_000, undefined);
    server.query("INSERT INTO t (b) VALUES (replace(hex(zeroblob(6000)), '0', 'x'))");
    for (let row = 0; row < 8; row++) server.query(`INSERT INTO t (b) VALUES ('other ${row}')`);
    const second = await pull(protocol, first);
    expect(
      queryFile(second, "SELECT count(*), max(b) = replace(hex(zeroblob(6000)), '0', 'x') FROM t"),
    ).toEqual([[9, 1]]);
    await run(protocol, "INSERT INTO t (b) VALUES ('ours')");
    expect(server.query("SELECT count(*) FROM t")).toEqual([[10n]]);
  });

  it("and has less than the mirror, is noticed by who only reads", async () => {
    const { server, protocol, clock } = await setUp();
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES ('lost')");
    const first = await pull(protocol);
    server.forget(1);
    await clock.sleep(60_000, undefined);
    expect(queryFile(await pull(protocol, first), "SELECT count(*) FROM t")).toEqual([[0]]);
  });

  it("and is in an earlier generation, is noticed: the mirror's beginning is not its", async () => {
    const { server, protocol, reopen } = await setUp();
    server.query(CREATE);
    server.query("INSERT INTO t (b) VALUES ('lost')");
    await pull(protocol);
    server.roll();
    const first = await pull(protocol);
    server.intercept = ({ path }, response) => {
      if (!path.startsWith("/sync/2/") && path !== "/info") return false;
      // As one that has begun only its first generation.
      const [status, name] = path === "/info" ? [200, "current_generation"] : [400, "generation"];
      response.writeHead(status).end(JSON.stringify({ [name]: 1 }));
      return true;
    };
    server.restore(1, 2);
    const second = await pull(await reopen(), first);
    expect(queryFile(second, "SELECT count(*) FROM t")).toEqual([[0]]);
  });

  it("is not asked for what the mirror has more often than now and then", async () => {
    const { server, protocol, clock } = await setUp();
    server.query(CREATE);
    let last = await pull(protocol);
    server.requests.length = 0;
    for (let round = 0; round < 15; round++) {
      await clock.sleep(4_000, undefined);
      last = await pull(protocol, last);
    }
    expect(server.takeRequests().filter((request) => request.endsWith("/2/3"))).toHaveLength(1);
  });
});
