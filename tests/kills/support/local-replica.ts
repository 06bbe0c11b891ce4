import { join } from "node:path";
import { openReplica, type Replica, SyncError } from "@tributary/replica";
import { createRandom, type SeededRandom } from "@tributary/testkit";
import { checkSources } from "./check-sources.js";
import type { KillRun } from "./kill-run.js";
import type { RemoteAddress } from "./remote-writer.js";
import type { Source } from "./source.js";
import type { Ticks } from "./ticks.js";

/** A replica in this process, which lives on while its server is killed. */
export class LocalReplica {
  readonly source: Source;
  readonly replica: Replica;
  committed = 0;
  pushed = 0;
  readonly #address: RemoteAddress;
  readonly #random: SeededRandom;
  readonly #ticks: Ticks;

  private constructor(
    source: Source,
    replica: Replica,
    address: RemoteAddress,
    random: SeededRandom,
    ticks: Ticks,
  ) {
    this.source = source;
    this.replica = replica;
    this.#address = address;
    // Its own: who draws first must not depend on time.
    this.#random = createRandom(random.below(2 ** 31));
    this.#ticks = ticks;
  }

  static async open(
    { directory, random, atEnd }: KillRun,
    source: Source,
    address: RemoteAddress,
    ticks: Ticks,
  ): Promise<LocalReplica> {
    const replica = await openReplica({
      path: join(directory, `${source.name}.db`),
      url: () => address.url(),
      checkpointThresholdBytes: 256 * 1024,
      pushOperationsThreshold: 12,
    });
    atEnd(() => replica.close());
    return new LocalReplica(source, replica, address, random, ticks);
  }

  /** Commits a few transactions and runs one operation, which may fail only where a kill is to blame. */
  async work(): Promise<void> {
    for (let left = this.#random.below(3); left > 0; left--) this.#commit();
    const operation = this.#random.pick(["push", "pull", "sync", "checkpoint"] as const);
    const { kills } = this.#address;
    const { committed } = this;
    this.#ticks.tick();
    try {
      const running = this.replica[operation]();
      if (this.#random.chance(0.3)) this.#commit();
      await running;
      if (operation === "push" || operation === "sync") this.pushed = committed;
    } catch (error) {
      const isByKill =
        error instanceof SyncError && error.code === "unreachable" && this.#address.kills > kills;
      if (!isByKill) throw error;
    }
    this.#ticks.tick();
  }

  /** Nothing of its own may ever be missing, whatever happens to the server. */
  check(): void {
    const { source, committed } = this;
    checkSources(`replica ${source.name}`, this.replica.db, [{ source, least: committed, most: committed }]);
  }

  #commit(): void {
    const n = this.committed + 1;
    this.replica.db.transaction(() => {
      for (const { sql, args } of this.source.transaction(n)) this.replica.db.prepare(sql).run(...args);
    })();
    this.committed = n;
  }
}
