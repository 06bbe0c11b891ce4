import { closeReplica, combinePorts, pushChanges, runAsync, SyncError } from "@tributary/core";
import {
  createFaultyRemote,
  createRandom,
  createVirtualClock,
  type FaultPlan,
  type FaultyRemote,
  type RemoteFault,
  randomFaults,
} from "@tributary/testkit";
import { describe, expect, test } from "vitest";
import { checkClosed, checkOpen } from "./support/check-crash.js";
import { type CrashReplica, openIn, pull } from "./support/crash-replica.js";
import { contentsMerged, SEVERAL_TABLES } from "./support/data-sets.js";
import type { ForkableRemote } from "./support/forkable-remote.js";
import { copyOf, expectationOf, replicaWith } from "./support/prepared-run.js";

/** The pending changes of a push that may have got through in part. */
const PENDING = Array.from({ length: 23 }, (_, pending) => pending);
const EXPECTED = { ...expectationOf(SEVERAL_TABLES), pending: PENDING };

/** The replica's ports with another way to the remote. */
function over(replica: CrashReplica, remote: ForkableRemote, plan: FaultPlan): [CrashReplica, FaultyRemote] {
  const clock = createVirtualClock(createRandom(3));
  const faulty = createFaultyRemote(remote.connect(), plan, clock);
  const ports = combinePorts({ files: replica.files, sql: replica.sqlite, remote: faulty, clock });
  return [{ ...replica, ports, run: (procedure) => runAsync(procedure, ports) }, faulty];
}

/**
 * One failing operation may be the end of a sync, for want of the network; or because batches were doubled so often that
 * the push gave up asking where it stands.
 */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isExpected =
      error instanceof SyncError &&
      (error.blame === "network" || error.message.includes("keeps changing while it pushes"));
    if (!isExpected) throw error;
  }
}

async function trySync({ run, session }: CrashReplica): Promise<void> {
  await attempt(() => run(pushChanges(session)));
  await attempt(() => run(pull(session)));
}

const FAULTS: readonly RemoteFault[] = [
  { type: "request-lost" },
  { type: "answer-lost" },
  { type: "duplicate" },
  { type: "late", afterCalls: 1 },
  { type: "late", afterCalls: 2 },
  { type: "late", afterCalls: 4 },
  { type: "cut", afterPages: 0 },
  { type: "cut", afterPages: 3 },
  { type: "delay", milliseconds: 60_000 },
];

describe.each(FAULTS)("a remote call with the fault $type", (fault) => {
  test.each(["in this process", "and the process dies"] as const)(
    "doubles nothing and loses nothing (%s)",
    async (what) => {
      for (let call = 1; ; call++) {
        const { replica, remote } = await replicaWith(SEVERAL_TABLES);
        const [shaken, faulty] = over(replica, remote, ({ number }) => (number === call ? fault : undefined));
        await trySync(shaken);
        const { faults } = faulty;
        if (what === "in this process") {
          await trySync(shaken);
          await faulty.deliverLate();
          await checkOpen(replica, remote, EXPECTED, "push first");
          await replica.run(closeReplica(replica.session));
          checkClosed(replica.path);
        } else {
          const again = await openIn(copyOf(replica), remote.connect(), {}, 2);
          // What was on its way arrives while the next process pushes.
          const [, late] = over(again, remote, () => undefined);
          await faulty.deliverLate();
          expect(late.late).toBe(0);
          await checkOpen(again, remote, EXPECTED, "push first");
          await again.run(closeReplica(again.session));
          again.drop();
        }
        replica.drop();
        remote.close();
        if (faults === 0) break;
        expect(call).toBeLessThan(50);
      }
    },
  );
});

test("a batch that arrives after a later one of the same changes is refused", async () => {
  const { replica, remote } = await replicaWith(SEVERAL_TABLES);
  const late: RemoteFault = { type: "late", afterCalls: 1 };
  const isBatch: FaultPlan = ({ number, batch }) => (number === 2 && batch !== undefined ? late : undefined);
  const [shaken, faulty] = over(replica, remote, isBatch);
  await shaken.run(pushChanges(shaken.session));
  expect(faulty.faults).toBe(1);
  expect(faulty.late).toBe(0);
  await checkOpen(replica, remote, EXPECTED, "pull first");
});

test("the answer to a push is lost, the replica pulls, and sends nothing twice", async () => {
  const { replica, remote } = await replicaWith(SEVERAL_TABLES, { pushAttempts: 1 });
  const plan: FaultPlan = ({ number }) => (number === 2 ? { type: "answer-lost" } : undefined);
  const [shaken] = over(replica, remote, plan);
  await expect(shaken.run(pushChanges(shaken.session))).rejects.toMatchObject({ code: "unreachable" });
  await checkOpen(replica, remote, EXPECTED, "pull first");
});

test.each(Array.from({ length: 40 }, (_, index) => index + 1))(
  "a remote with faults of all kinds takes every change once (seed %i)",
  async (seed) => {
    const { replica, remote } = await replicaWith(SEVERAL_TABLES);
    const [shaken, faulty] = over(replica, remote, randomFaults(createRandom(seed), 0.4));
    for (let round = 0; round < 6; round++) {
      await trySync(shaken);
      replica.db.exec(`INSERT INTO log VALUES ('round ${round}')`);
    }
    expect(faulty.faults).toBeGreaterThan(0);
    await faulty.deliverLate();
    const rounds = Array.from({ length: 6 }, (_, round) => `INSERT INTO log VALUES ('round ${round}')`);
    const merged = contentsMerged({
      ...SEVERAL_TABLES,
      unsettled: [...SEVERAL_TABLES.unsettled, ...rounds],
    });
    await attempt(() => shaken.run(pull(shaken.session)));
    await replica.run(pushChanges(replica.session));
    await replica.run(pull(replica.session));
    await checkOpen(replica, remote, { ...EXPECTED, shown: [merged], merged, pending: [0] }, "push first");
  },
);
