import type { SeededRandom } from "@tributary/testkit";
import Database from "better-sqlite3";
import { expect } from "vitest";
import type { KillRun } from "../support/kill-run.js";
import type { RemoteWriter } from "../support/remote-writer.js";
import type { ReplicaProcess } from "../support/replica-process.js";
import { makeSteps } from "../support/replica-steps.js";
import { ReplicaUnderFire } from "../support/replica-under-fire.js";
import { Standby } from "../support/standby.js";

/** How a round's kill is set; `steps` may be added to before they run. */
type Aim = (
  target: ReplicaUnderFire,
  process: ReplicaProcess,
  steps: ReturnType<typeof makeSteps>["steps"],
) => void;

async function killRounds(run: KillRun, aim: Aim): Promise<void> {
  const { rounds, random } = run;
  const target = await ReplicaUnderFire.prepare(run);
  const { writer, journal } = target;
  const standby = new Standby(run, rounds + 1);
  let reader: Database.Database | undefined;
  for (let round = 0; round < rounds; round++) {
    const process = standby.take();
    await target.open(process);
    reader?.close();
    // One that stays while the replica dies and comes back keeps the log's index alive.
    reader = random.chance(0.3) ? new Database(target.path, { readonly: true }) : undefined;
    reader?.prepare("SELECT count(*) FROM keyed").get();
    const { steps, last } = makeSteps(journal.source, journal.committed + 1, 3 + random.below(12), random);
    journal.begun = last;
    aim(target, process, steps);
    const known = writer.acknowledged;
    process.run(steps);
    const writing = writeAFew(writer, random);
    if ((await process.untilOrKilled("done")) !== undefined) target.ticks.strikeNow();
    await process.gone();
    await writing;
    expect(process.events.filter(([name]) => name === "failed")).toEqual([]);
    if (process.events.some(([name]) => name === "pull" || name === "sync")) target.leastPulled = known;
    target.checkServer();
  }
  reader?.close();
  await target.converge(standby.take());
}

/** So that pulls bring something. */
async function writeAFew(writer: RemoteWriter, random: SeededRandom): Promise<void> {
  for (let left = random.below(3); left > 0; left--) await writer.commit();
}

/** Kills a replica in the middle of whatever it does. */
export async function killReplicaAtWork(run: KillRun): Promise<void> {
  await killRounds(run, ({ ticks }, process, steps) => {
    // Each step makes about that many; where fewer come it strikes at the end.
    ticks.strikeAfter(1 + run.random.below(steps.length * 4), run.random, () => process.strike());
  });
}

/** Kills a replica that has begun to close, or has just closed. */
export async function killReplicaClosing(run: KillRun): Promise<void> {
  await killRounds(run, ({ ticks }, process, steps) => {
    steps.push({ step: "close" });
    const { onEvent } = process;
    process.onEvent = (event) => {
      if (event[0] === "close-begins") ticks.strikeAfter(1, run.random, () => process.strike());
      onEvent(event);
    };
  });
}
