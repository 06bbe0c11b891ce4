import { join } from "node:path";
import { SyncError } from "@tributary/core";
import { type Connect, createLiveClient } from "@tributary/live";
import { createRandom } from "@tributary/testkit";
import { createDuplexChannel } from "@tributary/transports";
import { expect, test } from "vitest";
import { createByteCutter } from "../support/byte-cutter.js";
import { ChannelCutter, type CutPlan } from "../support/cut-channel.js";
import { openLiveEngine } from "../support/live-engine.js";
import { type LiveServer, startLiveServer } from "../support/live-server.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** Long enough: something is there to be pulled whenever a pull waits. */
const WAIT_MS = 60_000;
const ROWS = ["ours", "theirs", "theirs, too"];
const READ = "SELECT who FROM log ORDER BY who";

/** Tries again after a cut, as whoever asks is to do. */
async function insist<T>(operation: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      const isCut = error instanceof SyncError && error.code === "unreachable";
      if (!isCut || attempt === 3) throw error;
    }
  }
}

/**
 * A replica and its server change the same table, whose rows have no key, so that one that is sent twice is there twice.
 */
async function run(server: LiveServer, connect: Connect): Promise<void> {
  await server.query("DELETE FROM log");
  const client = createLiveClient({
    connect,
    endpoint: "memory:server",
    creditBytes: 16 * 1024,
  });
  const remote = client.replica();
  const path = join(temporaryDirectory(), "replica.db");
  const engine = await insist(() => openLiveEngine(path, remote));
  // Enough pages for credit to run out.
  await server.query("INSERT INTO log VALUES ('theirs', randomblob(30000))");
  while (!(await insist(() => engine.pull(WAIT_MS))));
  // Answers the pull that was asked for ahead, which the push then makes stale.
  await server.query("INSERT INTO log VALUES ('theirs, too', NULL)");
  engine.db.exec("INSERT INTO log VALUES ('ours', NULL)");
  await insist(() => engine.push());
  while (!(await insist(() => engine.pull(WAIT_MS))));
  await insist(() => engine.push());
  expect(engine.db.prepare(READ).pluck().all()).toEqual(ROWS);
  expect((await server.query(READ)).flat()).toEqual(ROWS);
  expect(engine.db.pragma("integrity_check", { simple: true })).toBe("ok");
  await engine.close();
  await client.close();
}

async function runWithCut(server: LiveServer, plan: CutPlan): Promise<ChannelCutter> {
  const cutter = new ChannelCutter(plan);
  await run(server, async (signal) => cutter.wrap(await server.connect(signal)));
  return cutter;
}

async function startServer(): Promise<LiveServer> {
  const server = startLiveServer();
  await server.query("CREATE TABLE log (who TEXT, filler BLOB)");
  return server;
}

test.each([
  ["any message, which does not arrive", false],
  ["any message of the client's, which still arrives", true],
])("a channel that is cut at %s, loses nothing and doubles nothing", async (_name, arrives) => {
  const server = await startServer();
  const { messages, sent } = await runWithCut(server, { at: 0, arrives });
  expect(messages).toBeGreaterThan(25);
  const points = arrives ? sent : Array.from({ length: messages }, (_, index) => index + 1);
  const failures: string[] = [];
  for (const at of points) {
    await runWithCut(server, { at, arrives }).catch((error: unknown) =>
      failures.push(`message ${at}: ${String(error)}`),
    );
  }
  expect(failures).toEqual([]);
});

test("a channel that is cut in the middle of messages loses nothing and doubles nothing", async () => {
  const server = await startServer();
  const runWithCut = async (at: number): Promise<number> => {
    const cutter = createByteCutter(at);
    await run(server, async () => {
      const [client, remote] = cutter.connect();
      server.sync.acceptChannel(createDuplexChannel(remote));
      return createDuplexChannel(client);
    });
    return cutter.passed;
  };
  const bytes = await runWithCut(Number.POSITIVE_INFINITY);
  expect(bytes).toBeGreaterThan(60_000);
  const random = createRandom(1);
  for (let part = 0; part < 12; part++) {
    const at = Math.floor(((part + random.next()) / 12) * bytes);
    await runWithCut(at).catch((error: unknown) => {
      throw new Error(`Cut after ${at} bytes.`, { cause: error });
    });
  }
});
