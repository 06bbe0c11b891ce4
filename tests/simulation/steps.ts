import type { Lifetime } from "./engine-process.js";
import { ROWID } from "./model.js";
import { FAULTS } from "./network.js";
import type { SimulatedReplica } from "./simulated-replica.js";
import { pickByWeight } from "./site.js";
import { runStatement } from "./statements.js";
import type { World } from "./world.js";

/** Something that happens to a replica or the remote. What it returns, and tells before, goes into the story. */
interface Step {
  readonly name: string;
  readonly weight: number;
  run(world: World, replica: SimulatedReplica): Promise<string> | string;
}

const NETWORK = ["unreachable", "remote-sql-failed"] as const;

const STEPS: readonly Step[] = [
  { name: "write", weight: 24, run: (_, replica) => write(replica) },
  { name: "transaction", weight: 10, run: (_, replica) => transaction(replica, "COMMIT") },
  { name: "rollback", weight: 3, run: (_, replica) => transaction(replica, "ROLLBACK") },
  { name: "push", weight: 8, run: (world, replica) => attempt(world, () => replica.push()) },
  { name: "pull", weight: 8, run: (world, replica) => attempt(world, () => replica.pull()) },
  { name: "sync", weight: 8, run: (world, replica) => attempt(world, () => replica.sync()) },
  { name: "faulty sync", weight: 10, run: faultySync },
  { name: "slow pull", weight: 6, run: slowPull },
  { name: "checkpoint", weight: 5, run: (world, replica) => attempt(world, () => replica.checkpoint()) },
  { name: "reopen", weight: 3, run: reopen },
  { name: "crash", weight: 10, run: crash },
  { name: "crash between statements", weight: 3, run: crashBetweenStatements },
  { name: "network", weight: 3, run: (_, replica) => toggle(replica) },
  { name: "late batch", weight: 4, run: lateBatch },
  { name: "remote write", weight: 10, run: (world) => runStatement(world.remote) },
  { name: "remote restart", weight: 2, run: (world) => restart(world, false) },
  { name: "remote loses its index", weight: 1, run: (world) => restart(world, true) },
  { name: "remote vacuum", weight: 0.5, run: vacuum },
  { name: "remote backup", weight: 2, run: backUp },
  { name: "remote restored", weight: 1.5, run: restore },
];

/** Does one step, and checks everything that it can have changed. */
export async function doStep(world: World): Promise<void> {
  const replica = world.random.pick(world.replicas);
  const step = pickByWeight(world.random, STEPS);
  world.story.push(`${replica.number} ${step.name}`);
  const outcome = await step.run(world, replica);
  world.tell(outcome);
  for (const each of world.replicas) each.expectContents();
  world.remote.expectContents();
  if (world.random.chance(0.05)) replica.expectIntegrity();
}

function write(replica: SimulatedReplica): string {
  const name = runStatement(replica);
  replica.afterCommit();
  return name;
}

function transaction(replica: SimulatedReplica, end: "COMMIT" | "ROLLBACK" | "death"): string {
  const names: string[] = [];
  replica.transaction(() => {
    for (let count = 1 + replica.random.below(5); count > 0; count--) names.push(runStatement(replica));
  }, end);
  if (end !== "death") replica.afterCommit();
  return names.join(", ");
}

async function attempt(world: World, work: () => Promise<unknown>): Promise<string> {
  return (await world.attempt(NETWORK, work)) ?? "done";
}

async function faultySync(world: World, replica: SimulatedReplica): Promise<string> {
  const kind = world.random.pick(FAULTS);
  world.tell(kind);
  const { network } = replica;
  const { offline } = network;
  network.fault = { kind, after: world.random.below(world.random.pick([1, 4])) };
  const outcome = await attempt(world, () => replica.sync());
  Object.assign(network, { fault: undefined, offline });
  return outcome;
}

/** Between the download and the apply of a pull everything goes on. */
async function slowPull(world: World, replica: SimulatedReplica): Promise<string> {
  const meanwhile = async (): Promise<void> => {
    for (let count = world.random.below(3); count > 0; count--) {
      const other = world.random.pick(world.replicas);
      const what = world.random.pick(["write", "write", "push", "remote"] as const);
      world.tell(`${other.number} ${what}`);
      if (what === "write") write(other);
      else if (what === "push") await attempt(world, () => other.push());
      else runStatement(world.remote);
    }
  };
  return await attempt(world, () => replica.pull(undefined, meanwhile));
}

async function reopen(_world: World, replica: SimulatedReplica): Promise<string> {
  await replica.close();
  await replica.open();
  return "done";
}

const MORTAL = ["push", "pull", "pull", "sync", "checkpoint", "close"] as const;
/** Requests that change something, so that dying before or after one is not the same. */
const DEADLY = [
  "executeSql",
  "runSql",
  "refreshCapture",
  "writeAt",
  "syncFile",
  "truncateFile",
  "replaceWholeFile",
  "removeFile",
  "runRemoteBatch",
] as const;

/** The process dies before one of the requests of a procedure, and perhaps again while it opens the replica. */
async function crash(world: World, replica: SimulatedReplica): Promise<string> {
  const { random } = world;
  const what = random.pick(MORTAL);
  // So that there is something to push and to pull.
  if (random.chance(0.6)) write(replica);
  if (random.chance(0.6)) runStatement(world.remote);
  const lifetime = drawLifetime(world);
  world.tell(`${what}, ${lifetime.requests} ${lifetime.method ?? "requests"}`);
  const outcome = await world.attempt([...NETWORK, "internal"], () => replica[what](lifetime));
  if (outcome !== "internal" && what !== "close") return "survived";
  if (outcome !== "internal") await replica.open();
  else await comeBack(world, replica);
  return "died";
}

function drawLifetime({ random }: World): Lifetime {
  return random.chance(0.5)
    ? { requests: random.below(random.pick([10, 40, 120])) }
    : { requests: random.below(4), method: random.pick(DEADLY) };
}

async function comeBack(world: World, replica: SimulatedReplica): Promise<void> {
  const lifetime = world.random.chance(0.4) ? drawLifetime(world) : undefined;
  const outcome = await world.attempt(["internal"], () => replica.resurrect(lifetime));
  if (outcome !== undefined) await replica.resurrect();
}

async function crashBetweenStatements(world: World, replica: SimulatedReplica): Promise<string> {
  world.tell(transaction(replica, "death"));
  await comeBack(world, replica);
  return "died";
}

function toggle({ network }: SimulatedReplica): string {
  network.offline = !network.offline;
  return network.offline ? "off" : "on";
}

async function lateBatch({ remote }: World): Promise<string> {
  return `${await remote.deliverLate("one")}`;
}

async function restart({ remote }: World, forgetRevisions: boolean): Promise<string> {
  await remote.host.restart(forgetRevisions);
  return "done";
}

function vacuum({ remote }: World): string {
  if (remote.host.backup === undefined) return "not here";
  remote.exec("VACUUM");
  // SQLite gives new rowids to rows of tables that have neither a key nor an index.
  for (const table of remote.state.tables.values()) {
    if (table.key.length > 0 || table.indexes.size > 0) continue;
    const rows = [...table.rows.values()].sort((left, right) => Number(left[ROWID]) - Number(right[ROWID]));
    table.rows = new Map(
      rows.map((row, index) => [String(index + 1), { ...row, [ROWID]: String(index + 1) }]),
    );
  }
  return "done";
}

function backUp({ remote }: World): string {
  return remote.backUp() ? "done" : "not here";
}

function restore({ remote }: World): string {
  return remote.restore() ? "done" : "nothing to restore";
}
