import { closeReplica, type ReplicaSession, runAsync, SyncError, stats } from "@tributary/core";
import { createFailingPorts, type Errno, type PlannedFailure } from "@tributary/testkit";
import { describe, expect, test } from "vitest";
import { checkClosed, checkOpen } from "./support/check-crash.js";
import { type CrashReplica, reopen } from "./support/crash-replica.js";
import type { CrashProcedure, PreparedRun } from "./support/prepared-run.js";
import { PROCEDURES } from "./support/procedures.js";

const ERRNOS: readonly Errno[] = ["ENOSPC", "EIO", "EACCES", "EDQUOT"];

/** What a failing request may end an operation with. */
const CODES = ["io-failed", "sql-failed", "database-busy", "unreachable"];

/** Those whose requests are of all the kinds there are; the other procedures are made of the same parts. */
const VARIED = [
  "creating a replica",
  "opening after a close",
  "opening before a replay that fails",
  "a pull",
  "a pull that is undone",
  "laying another pull over",
  "a push after a pull",
  "a checkpoint after a pull",
  "closing",
];
const APPLYING = ["opening before a replay that fails", "a pull", "a pull that is undone"];
const FOREVER = Number.POSITIVE_INFINITY;

const FAILURES: readonly (readonly [how: string, plan: Partial<PlannedFailure>, names: readonly string[]])[] =
  [
    ["one request fails", {}, VARIED],
    [
      "all requests from one on fail",
      { calls: FOREVER },
      ["creating a replica", "closing", ...APPLYING.slice(1)],
    ],
    ["a write fails in the middle", { half: true, method: "writeAt" }, APPLYING],
    ["a statement fails and SQLite rolls back", { rollsBack: true, method: "executeSql" }, APPLYING],
    ["a change fails and SQLite rolls back", { rollsBack: true, method: "runSql" }, APPLYING],
  ];

describe.each(FAILURES)("when %s", (_how, plan, names) => {
  const procedures = PROCEDURES.filter(({ name }) => names.includes(name));
  test.each(procedures)(
    "$name loses nothing, and the process goes on",
    { timeout: 120_000 },
    async (procedure) => {
      let call = 1;
      while (await survives(procedure, { ...plan, call, errno: ERRNOS[call % ERRNOS.length] as Errno }))
        call++;
      expect(call).toBeGreaterThan(1);
    },
  );
});

/** Runs a procedure with that failure, and goes on in the same process. False when there is no such request. */
async function survives(procedure: CrashProcedure, plan: PlannedFailure): Promise<boolean> {
  const run = await procedure.prepare();
  try {
    const failing = createFailingPorts(run.host.ports);
    failing.fail(plan);
    const outcome = await runAsync(run.procedure(run.host), failing.ports).catch((error: unknown) => error);
    if (failing.failed === 0) return false;
    if (outcome instanceof Error) expectTyped(outcome, procedure);
    const replica = await goOn(run, outcome);
    // Whatever operation comes first finishes what the failed one could not, and says so if that took an undo.
    await replica.run(stats(replica.session)).catch((error: unknown) => {
      if (!(error instanceof SyncError) || error.code !== procedure.failsWith) throw error;
    });
    await checkOpen(replica, run.remote, run.expected, plan.call % 2 === 0 ? "push first" : "pull first");
    await replica.run(closeReplica(replica.session));
    checkClosed(replica.path);
    return true;
  } catch (error) {
    throw new Error(`Request ${plan.call}, ${plan.errno}: ${String(error)}`, { cause: error });
  } finally {
    run.dispose();
  }
}

function expectTyped(error: unknown, { failsWith }: CrashProcedure): void {
  expect(error).toBeInstanceOf(SyncError);
  expect([...CODES, failsWith]).toContain((error as SyncError).code);
}

/** The replica as the app goes on with it: opened again only if the procedure was to open or to close it. */
async function goOn({ host, replica, expected }: PreparedRun, outcome: unknown): Promise<CrashReplica> {
  if (replica?.db.open) return replica;
  if (replica === undefined && !(outcome instanceof Error)) {
    return { ...host, session: outcome as ReplicaSession, db: host.sqlite.db };
  }
  return await reopen(host, expected.options);
}
