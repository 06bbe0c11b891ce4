import { describe, expect, test } from "vitest";
import { startForeignWriter } from "./support/foreign-writer.js";
import { HranaClient } from "./support/hrana-client.js";
import { openServer, settle } from "./support/open-server.js";
import { pull, pullAnswer } from "./support/pull-client.js";

async function setUp(options = {}) {
  const opened = openServer(options);
  const client = new HranaClient(opened.server);
  await client.execute("CREATE TABLE t(a)");
  return { ...opened, client };
}

describe("a subscriber", () => {
  test("hears of each commit, and of nothing else, until it has had enough", async () => {
    const { server, client } = await setUp();
    const heard: string[] = [];
    const end = server.subscribe((revision) => heard.push(revision));
    await client.execute("SELECT 1");
    await client.execute("UPDATE t SET a = 1");
    expect(heard).toEqual([]);
    await client.execute("INSERT INTO t VALUES (1)");
    expect(heard).toEqual([(await pullAnswer(server, {})).revision]);
    await client.execute("INSERT INTO t VALUES (2)");
    expect(heard.length).toBe(2);
    end();
    await client.execute("INSERT INTO t VALUES (3)");
    expect(heard.length).toBe(2);
  });

  test("hears of each at once, not when the request with many of them is done", async () => {
    const { server, client } = await setUp();
    const heard: string[] = [];
    server.subscribe((revision) => heard.push(revision));
    await client.send({ type: "sequence", sql: "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)" });
    const write = (sql: string) => ({ type: "execute", stmt: { sql } }) as const;
    await client.send(
      write("BEGIN"),
      write("INSERT INTO t VALUES (3)"),
      write("DELETE FROM t"),
      write("COMMIT"),
    );
    expect(new Set(heard).size).toBe(3);
  });

  test("may end it, or the server, when it is told", async () => {
    const { server, client } = await setUp();
    const heard: string[] = [];
    const end = server.subscribe(() => {
      heard.push("first");
      end();
      endOther();
    });
    const endOther = server.subscribe(() => heard.push("second"));
    server.subscribe(() => {
      heard.push("third");
      void server.close();
    });
    expect((await client.post([{ type: "execute", stmt: { sql: "INSERT INTO t VALUES (1)" } }])).status).toBe(
      503,
    );
    expect(heard).toEqual(["first", "third"]);
    expect(() => server.subscribe(() => {})).toThrow(expect.objectContaining({ code: "closed" }));
  });

  test("hears of the commits of other programs at the next look", async () => {
    const { server, clock, path } = await setUp({ foreignCommitCheckMs: 1000 });
    const heard: string[] = [];
    server.subscribe((revision) => heard.push(revision));
    const other = await startForeignWriter(path);
    await other.run("INSERT INTO t VALUES (1)");
    clock.advance(1000);
    await settle();
    expect(heard).toEqual([(await pullAnswer(server, {})).revision]);
  });
});

test("10 000 long-polls cost nothing while they wait, and one commit answers all", {
  timeout: 60_000,
}, async () => {
  // On the real clock, with the look for foreign commits.
  const { systemClock } = await import("../src/index.js");
  const { server, client } = await setUp({
    clock: systemClock,
    foreignCommitCheckMs: 1000,
    maxRequestsPerDatabase: 0,
    // Ten thousand requests take a while on a machine that has other things to do.
    streamIdleTimeoutMs: 60_000,
  });
  const { revision } = await pullAnswer(server, {});
  const waiting = Array.from({ length: 10_000 }, () =>
    pull(server, { clientRevision: revision, longPollTimeoutMs: 300_000 }),
  );
  await settle();
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { user, system } = process.cpuUsage(before);
  let answered = 0;
  const done = Promise.all(waiting.map((answer) => answer.then(() => (answered += 1))));
  await settle();
  expect(answered).toBe(0);
  // Microseconds: the collection of garbage may run, ten thousand polls would take longer.
  expect(user + system).toBeLessThan(200_000);
  await client.execute("INSERT INTO t VALUES (1)");
  await done;
  const told = new Set<string>();
  for (const answer of await Promise.all(waiting)) {
    expect(answer.status).toBe(200);
    told.add(
      Buffer.from(await answer.arrayBuffer())
        .subarray(0, 60)
        .toString("hex"),
    );
  }
  expect(told.size).toBe(1);
});
