import { setImmediate } from "node:timers/promises";
import { expect } from "vitest";
import { contentsOf, contentsOfFile } from "../../support/contents.js";
import { checkFile } from "../support/check-sources.js";
import type { KillRun } from "../support/kill-run.js";
import { LocalReplica } from "../support/local-replica.js";
import { RemoteWriter } from "../support/remote-writer.js";
import { ServerProcess } from "../support/server-process.js";
import { Source } from "../support/source.js";
import { Ticks } from "../support/ticks.js";

/** Makes the log long enough for the server to checkpoint now and then, and downloads long enough to be cut. */
const FILL = "INSERT OR REPLACE INTO fill VALUES (1, randomblob(300000))";

/** Kills the server under the load of libSQL clients and of replicas, which all go on with the next one. */
export async function killServer(run: KillRun): Promise<void> {
  const { rounds, random } = run;
  const ticks = new Ticks();
  const server = new ServerProcess(run);
  await server.start();
  const sources = ["w0", "w1", "r0", "r1"].map((name) => new Source(name, random));
  const [w0, w1, r0, r1] = sources as [Source, Source, Source, Source];
  const writers = [w0, w1].map((source) => new RemoteWriter(source, server, random));
  await writers[0]?.createTables(sources);
  await writers[0]?.run(["CREATE TABLE fill (id INTEGER PRIMARY KEY, body BLOB)", FILL]);
  const replicas: LocalReplica[] = [];
  for (const source of [r0, r1]) {
    replicas.push(await LocalReplica.open(run, source, server, ticks));
  }

  let ends = false;
  const repeat = async (work: () => Promise<void>): Promise<void> => {
    while (!ends) {
      await work();
      await setImmediate();
    }
  };
  const write = async (writer: RemoteWriter): Promise<void> => {
    ticks.tick();
    await writer.commit(writer.begun % 10 === 0 ? [FILL] : []);
    ticks.tick();
  };
  const load = Promise.all([
    ...writers.map((writer) => repeat(() => write(writer))),
    ...replicas.map((replica) => repeat(() => replica.work())),
  ]);
  const check = (): void => {
    checkFile("the server", server.file, [
      ...writers.map(({ source, acknowledged, begun }) => ({ source, least: acknowledged, most: begun })),
      ...replicas.map(({ source, pushed, committed }) => ({ source, least: pushed, most: committed })),
    ]);
    for (const replica of replicas) replica.check();
  };
  for (let round = 0; round < rounds; round++) {
    const struck = new Promise<void>((resolve) => {
      ticks.strikeAfter(1 + random.below(40), random, () => {
        server.strike();
        resolve();
      });
    });
    await Promise.race([struck, load]);
    await server.gone();
    await server.start();
    check();
  }
  ends = true;
  await load;
  for (const { replica } of replicas) await replica.push();
  for (const { replica } of replicas) await replica.pull();
  check();
  const expected = contentsOfFile(server.file);
  for (const { replica } of replicas) {
    expect(contentsOf(replica.db)).toEqual(expected);
    expect(replica.db.pragma("integrity_check", { simple: true })).toBe("ok");
    expect((await replica.stats()).pendingChanges).toBe(0);
  }
  for (const writer of writers) writer.close();
}
