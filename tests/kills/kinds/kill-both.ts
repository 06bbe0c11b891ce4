import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect } from "vitest";
import { contentsOfFile } from "../../support/contents.js";
import { checkFile } from "../support/check-sources.js";
import type { KillRun } from "../support/kill-run.js";
import { RemoteWriter } from "../support/remote-writer.js";
import { ReplicaJournal } from "../support/replica-journal.js";
import type { ReplicaProcess } from "../support/replica-process.js";
import { makeSteps } from "../support/replica-steps.js";
import { ServerProcess } from "../support/server-process.js";
import { Source } from "../support/source.js";
import { Standby } from "../support/standby.js";
import { Ticks } from "../support/ticks.js";

/** How an operation may fail while the server is down. */
const DOWN = ["unreachable", "paused"];

/** Kills a replica and its server in the same round, at once or one soon after the other. */
export async function killBoth(run: KillRun): Promise<void> {
  const { directory, rounds, random } = run;
  const [serverTicks, replicaTicks] = [new Ticks(), new Ticks()];
  const tick = (): void => {
    serverTicks.tick();
    replicaTicks.tick();
  };
  const server = new ServerProcess(run);
  const path = join(directory, "replica.db");
  const opening = { path, urlFile: server.urlFile, options: { checkpointThresholdBytes: 256 * 1024 } };
  const writer = new RemoteWriter(new Source("remote", random), server, random);
  const journal = new ReplicaJournal(new Source("replica", random));
  const standby = new Standby(run, rounds + 1);
  let leastPulled = 0;

  const open = async (process: ReplicaProcess): Promise<void> => {
    process.onEvent = (event) => {
      journal.take(event);
      tick();
    };
    process.open(opening);
    await process.until("open");
    const [found] = checkFile("the replica", path, [
      { source: journal.source, least: journal.committed, most: journal.begun },
      { source: writer.source, least: leastPulled, most: writer.begun },
    ]);
    journal.found(found as number);
  };
  const checkServer = (): void => {
    checkFile("the server", server.file, [
      { source: journal.source, least: journal.pushed, most: journal.begun },
      { source: writer.source, least: writer.acknowledged, most: writer.begun },
    ]);
  };

  await server.start();
  await writer.createTables([writer.source, journal.source]);
  let ends = false;
  const load = (async () => {
    while (!ends) {
      await writer.commit();
      tick();
      await setImmediate();
    }
  })();
  for (let round = 0; round < rounds; round++) {
    const process = standby.take();
    if (round > 0) {
      // The replica opens without the server as well.
      const starting = server.start();
      if (random.chance(0.5)) await starting;
      await Promise.all([open(process), starting]);
    } else {
      await open(process);
    }
    checkServer();
    const { steps, last } = makeSteps(journal.source, journal.committed + 1, 3 + random.below(12), random);
    journal.begun = last;
    const [first, second] = [1 + random.below(steps.length * 4), 1 + random.below(20)];
    const replicaDies = (): void => process.strike();
    const serverDies = (): void => server.strike();
    const order = random.below(3);
    if (order === 0) {
      replicaTicks.strikeAfter(first, random, () => {
        replicaDies();
        serverDies();
      });
    } else if (order === 1) {
      replicaTicks.strikeAfter(first, random, () => {
        replicaDies();
        serverTicks.strikeAfter(second, random, serverDies);
      });
    } else {
      serverTicks.strikeAfter(first, random, () => {
        serverDies();
        replicaTicks.strikeAfter(second, random, replicaDies);
      });
    }
    const known = writer.acknowledged;
    const { kills } = server;
    process.run(steps);
    await Promise.race([process.untilOrKilled("done"), load]);
    // Whoever is still alive when there is nothing left to do.
    while (!process.wasKilled || server.kills === kills) {
      serverTicks.strikeNow();
      replicaTicks.strikeNow();
      await setImmediate();
    }
    await Promise.all([process.gone(), server.gone()]);
    const { events } = process;
    const failures = events.filter(([name, , code]) => name === "failed" && !DOWN.includes(String(code)));
    expect(failures).toEqual([]);
    if (events.some(([name]) => name === "pull" || name === "sync")) leastPulled = known;
  }
  ends = true;
  await server.start();
  await load;
  const process = standby.take();
  await open(process);
  process.run([{ step: "sync" }, { step: "close" }]);
  await process.until("done");
  await process.kill();
  expect(process.events.filter(([name]) => name === "failed")).toEqual([]);
  checkServer();
  expect(contentsOfFile(path)).toEqual(contentsOfFile(server.file));
  writer.close();
}
