import { join } from "node:path";
import type { SeededRandom } from "@tributary/testkit";
import { expect } from "vitest";
import { contentsOfFile } from "../../support/contents.js";
import { checkFile } from "../support/check-sources.js";
import type { KillRun } from "../support/kill-run.js";
import { RemoteWriter } from "../support/remote-writer.js";
import type { ReplicaOpening, ReplicaProcess } from "../support/replica-process.js";
import { Source } from "../support/source.js";
import { Standby } from "../support/standby.js";
import { startTickingRemote } from "../support/ticking-remote.js";
import { Ticks } from "../support/ticks.js";

/** A replica is killed this often before it may finish its first download. */
const KILLS_PER_REPLICA = 3;

/** About a megabyte, which is some twenty requests of a download in parts. */
const FILL = `WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1000)
  INSERT INTO fill SELECT value, hex(randomblob(500)) FROM n`;

/** Kills processes during the first download of a replica, then lets one finish, and so on with the next replica. */
export async function killDuringBootstrap(run: KillRun): Promise<void> {
  const { directory, rounds, random } = run;
  const ticks = new Ticks();
  const remote = await startTickingRemote(run, ticks);
  const address = { url: async () => remote.url, kills: 0 };
  const writer = new RemoteWriter(new Source("remote", random), address, random);
  await writer.createTables([writer.source]);
  await writer.run(["CREATE TABLE fill (id INTEGER PRIMARY KEY, body TEXT)", FILL]);
  const replicas = Math.ceil(rounds / KILLS_PER_REPLICA);
  const standby = new Standby(run, rounds + replicas);
  let left = rounds;
  for (let index = 0; index < replicas; index++) {
    const opening = {
      path: join(directory, `replica-${index}.db`),
      urlFile: remote.urlFile,
      options: { pullBytesThreshold: random.chance(0.5) ? 65_536 : 4_194_304 },
    };
    for (let kill = 0; kill < KILLS_PER_REPLICA && left > 0; kill++, left--) {
      await writer.commit();
      await killWhileOpening(standby.take(), opening, ticks, random);
    }
    await finish(standby.take(), opening);
    checkFile("the replica", opening.path, [
      { source: writer.source, least: writer.acknowledged, most: writer.begun },
    ]);
    expect(contentsOfFile(opening.path)).toEqual(contentsOfFile(remote.file));
  }
}

async function killWhileOpening(
  process: ReplicaProcess,
  opening: ReplicaOpening,
  ticks: Ticks,
  random: SeededRandom,
): Promise<void> {
  await process.until("ready");
  const most = opening.options?.pullBytesThreshold === 65_536 ? 60 : 12;
  ticks.strikeAfter(1 + random.below(most), random, () => process.strike());
  process.onEvent = () => ticks.tick();
  process.open(opening);
  if ((await process.untilOrKilled("open")) !== undefined) ticks.strikeNow();
  await process.gone();
  expect(process.events.filter(([name]) => name === "failed")).toEqual([]);
}

/** The download that is let through, and a life after it. */
async function finish(process: ReplicaProcess, opening: ReplicaOpening): Promise<void> {
  process.open(opening);
  await process.until("open");
  process.run([{ step: "sync" }, { step: "close" }]);
  await process.until("done");
  await process.kill();
}
