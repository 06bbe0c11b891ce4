import Database from "better-sqlite3";
import { expect } from "vitest";
import type { KillRun } from "../support/kill-run.js";
import type { ReplicaEvent } from "../support/replica-process.js";
import { makeCommits } from "../support/replica-steps.js";
import { ReplicaUnderFire } from "../support/replica-under-fire.js";
import { Standby } from "../support/standby.js";

/** Far less than `lockTimeoutMs`, which is 5 s: it does not wait. It takes some milliseconds on an idle machine. */
const AT_ONCE_MS = 1_000;

/**
 * While one process has the replica open another one is refused at once, and gets it right after the first was killed;
 * a plain reader, this process, sees every commit all the while.
 */
export async function killHolder(run: KillRun): Promise<void> {
  const { rounds, random } = run;
  const target = await ReplicaUnderFire.prepare(run);
  const { journal, path } = target;
  const standby = new Standby(run, 2 * rounds + 1);
  let holder = standby.take();
  await target.open(holder);
  const reader = new Database(path, { readonly: true });
  run.atEnd(() => reader.close());
  const read = reader.prepare("SELECT n FROM progress WHERE source = ?").pluck();
  const missing = (): number => Math.max(0, journal.committed - Number(read.get(journal.source.name) ?? 0));
  for (let round = 0; round < rounds; round++) {
    const second = standby.take();
    second.open({ path, urlFile: target.remote.urlFile });
    await second.until("done");
    expect(openingOf(second.events)).toMatchObject({ code: "replica-in-use" });
    expect(openingOf(second.events).milliseconds).toBeLessThan(AT_ONCE_MS);
    await second.kill();

    const { onEvent } = holder;
    const missed: number[] = [];
    holder.onEvent = (event) => {
      onEvent(event);
      if (event[0] === "commit") missed.push(missing());
    };
    const { steps, last } = makeCommits(journal.source, journal.committed + 1, 20);
    journal.begun = last;
    const { ticks } = target;
    const dying = holder;
    ticks.strikeAfter(1 + random.below(20), random, () => dying.strike());
    holder.run(steps);
    if ((await holder.untilOrKilled("done")) !== undefined) ticks.strikeNow();
    await holder.gone();
    missed.push(missing());
    holder = standby.take();
    await target.open(holder);
    missed.push(missing());
    expect(missed.length).toBeGreaterThan(2);
    expect(Math.max(...missed)).toBe(0);
  }
  await holder.kill();
}

function openingOf(events: readonly ReplicaEvent[]): { code: unknown; milliseconds: number } {
  const [, , code, , milliseconds] = events.find(([name]) => name === "failed") ?? [];
  return { code, milliseconds: Number(milliseconds) };
}
