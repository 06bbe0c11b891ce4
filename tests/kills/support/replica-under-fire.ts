import { join } from "node:path";
import { expect } from "vitest";
import { contentsOfFile } from "../../support/contents.js";
import { checkFile } from "./check-sources.js";
import type { KillRun } from "./kill-run.js";
import { RemoteWriter } from "./remote-writer.js";
import { ReplicaJournal } from "./replica-journal.js";
import type { ReplicaProcess } from "./replica-process.js";
import { Source } from "./source.js";
import { startTickingRemote, type TickingRemote } from "./ticking-remote.js";
import { Ticks } from "./ticks.js";

/** Small, so that checkpoints happen by themselves and a push is several batches. */
const OPTIONS = { checkpointThresholdBytes: 128 * 1024, pushOperationsThreshold: 12 };

/** The files of one replica, whose processes are killed one after the other; its server and a writer live here. */
export class ReplicaUnderFire {
  readonly path: string;
  readonly ticks: Ticks;
  readonly remote: TickingRemote;
  readonly writer: RemoteWriter;
  readonly journal: ReplicaJournal;
  /** What the last pull that has resolved must have brought of the writer's. */
  leastPulled = 0;

  private constructor({ directory, random }: KillRun, ticks: Ticks, remote: TickingRemote) {
    this.path = join(directory, "replica.db");
    this.ticks = ticks;
    this.remote = remote;
    const address = { url: async () => remote.url, kills: 0 };
    this.writer = new RemoteWriter(new Source("remote", random), address, random);
    this.journal = new ReplicaJournal(new Source("replica", random));
  }

  static async prepare(run: KillRun): Promise<ReplicaUnderFire> {
    const ticks = new Ticks();
    const remote = await startTickingRemote(run, ticks);
    const it = new ReplicaUnderFire(run, ticks, remote);
    await it.writer.createTables([it.writer.source, it.journal.source]);
    await it.writer.commit();
    return it;
  }

  /** Opens what the last kill has left, which must make a replica by itself, and looks at it and the server. */
  async open(process: ReplicaProcess): Promise<void> {
    process.onEvent = (event) => {
      this.journal.take(event);
      this.ticks.tick();
    };
    process.open({ path: this.path, urlFile: this.remote.urlFile, options: OPTIONS });
    await process.until("open");
    const { journal, writer } = this;
    const [found] = checkFile("the replica", this.path, [
      { source: journal.source, least: journal.committed, most: journal.begun },
      { source: writer.source, least: this.leastPulled, most: writer.begun },
    ]);
    journal.found(found as number);
    this.checkServer();
  }

  checkServer(): void {
    const { journal, writer } = this;
    checkFile("the server", this.remote.file, [
      { source: journal.source, least: journal.pushed, most: journal.begun },
      { source: writer.source, least: writer.acknowledged, most: writer.begun },
    ]);
  }

  /** After everything: one more process brings both sides together. */
  async converge(process: ReplicaProcess): Promise<void> {
    await this.open(process);
    process.run([{ step: "sync" }, { step: "close" }]);
    await process.until("done");
    await process.kill();
    expect(process.events.filter(([name]) => name === "failed")).toEqual([]);
    this.checkServer();
    expect(contentsOfFile(this.path)).toEqual(contentsOfFile(this.remote.file));
  }
}
