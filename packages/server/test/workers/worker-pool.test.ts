import { expect, test } from "vitest";
import type { HostStreamOptions, ToHost } from "../../src/sql-host/host-messages.js";
import type { SqlWorker, StreamEvents } from "../../src/workers/sql-worker.js";
import { WorkerPool } from "../../src/workers/worker-pool.js";
import type { WorkerPortEvents } from "../../src/workers/worker-port.js";
import { ManualClock } from "../support/manual-clock.js";

/** A worker that does what it is told by the test, and nothing else. */
interface FakePort {
  readonly events: WorkerPortEvents;
  readonly sent: ToHost[];
  isKilled: boolean;
}

function setUp(maxWorkers: number) {
  const clock = new ManualClock();
  const ports: FakePort[] = [];
  const pool = new WorkerPool({
    clock,
    maxWorkers,
    workerIdleTimeoutMs: 1_000,
    statementTimeoutMs: 10_000,
    isInterruptible: true,
    start(events) {
      const port: FakePort = { events, sent: [], isKilled: false };
      ports.push(port);
      return {
        send: (messages) => void port.sent.push(...messages),
        keepAlive() {},
        kill() {
          port.isKilled = true;
        },
      };
    },
  });
  /** Gives a worker something to do that does not end by itself. */
  const occupy = async (owner: object): Promise<{ worker: SqlWorker; lost: Promise<unknown> }> => {
    const worker = await pool.place(owner);
    const lost = worker
      .submit({ type: "run", stream: ports.length, work: { requests: [] }, format: "json" })
      .catch((error: unknown) => error);
    pool.release(worker);
    return { worker, lost };
  };
  return { clock, ports, pool, occupy };
}

const STREAM: HostStreamOptions = {
  path: "/test.db",
  readonly: false,
  walLimitBytes: 0,
  limits: { maxStatements: 1, maxResponseBytes: 1, maxRowBytes: 1, lockTimeoutMs: 1 },
};

function events(): StreamEvents {
  const nothing = (): void => {};
  return {
    tryLock: () => false,
    onCommitted: nothing,
    onLockWanted: nothing,
    onLockFree: nothing,
    onRevisionWanted: nothing,
    onLost: nothing,
  };
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  void promise.then(() => {
    isSettled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return isSettled;
}

test("a worker that was ended because it was idle is not given to anybody before it is gone", async () => {
  const { clock, ports, pool } = setUp(4);
  const [one, two] = [await pool.place({}), await pool.place({})];
  pool.release(one);
  pool.release(two);
  clock.advance(1_000);
  expect(ports.map(({ isKilled }) => isKilled)).toEqual([true, false]);
  const next = await pool.place({});
  expect(next).toBe(two);
  const another = await pool.place({});
  expect([one, two]).not.toContain(another);
});

test("when a worker dies, the place goes to the first in line that may have it", async () => {
  const { ports, pool, occupy } = setUp(4);
  const [a, b, c] = [{}, {}, {}];
  for (const owner of [a, a, b, b]) await occupy(owner);
  // Two each is as many as one may have of four.
  const ofA = pool.place(a);
  const ofC = pool.place(c);
  expect([await settled(ofA), await settled(ofC)]).toEqual([false, false]);
  ports[3]?.events.onEnd("it was killed");
  expect([await settled(ofA), await settled(ofC)]).toEqual([false, true]);
});

test("what a worker wrote before it died is for the log alone", async () => {
  const { ports, occupy } = setUp(1);
  const { lost } = await occupy({});
  ports[0]?.events.onEnd("it ended with exit code 1", "at /srv/secret.js");
  const error = await lost;
  expect(error).toMatchObject({ code: "STREAM_CLOSED", status: 500, cause: "at /srv/secret.js" });
  expect(String(error)).not.toContain("secret");
});

test("a statement of a stream that was closed is interrupted, unless others live there", async () => {
  const { clock, ports, pool } = setUp(2);
  const owner = {};
  const worker = await pool.place(owner);
  for (const id of [1, 2]) worker.addStream(id, owner, STREAM, events());
  const run = { type: "run", work: { requests: [] }, format: "json" } as const;
  const first = worker.submit({ ...run, stream: 1 });
  worker.closeStream(1);
  clock.advance(2_000);
  expect(ports[0]?.isKilled).toBe(false);
  const state = { isClosed: false, isAutocommit: true };
  ports[0]?.events.onMessages([{ type: "done", task: 1, result: { type: "run", results: [], state } }]);
  await first;
  const second = worker.submit({ ...run, stream: 2 });
  worker.closeStream(2);
  clock.advance(999);
  expect(ports[0]?.isKilled).toBe(false);
  clock.advance(1);
  expect(ports[0]?.isKilled).toBe(true);
  ports[0]?.events.onEnd("it ended with SIGKILL");
  await expect(second).rejects.toMatchObject({ code: "STREAM_CLOSED" });
});
