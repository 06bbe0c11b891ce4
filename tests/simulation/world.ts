import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Coroutine, type EngineIo, type MaybePromise, SyncError } from "@tributary/core";
import { createRandom, createVirtualClock, type SeededRandom, type VirtualClock } from "@tributary/testkit";
import { expectContents } from "./contents.js";
import type { State, Table } from "./model.js";
import { createTable, FIRST_TABLES } from "./schema-statements.js";
import { type RemoteHost, SimulatedRemote } from "./simulated-remote.js";
import { SimulatedReplica } from "./simulated-replica.js";
import { runStatement } from "./statements.js";

/** What a simulation runs on. */
export interface Stage {
  /** The command that repeats a seed names it. */
  readonly test: string;
  /** The most steps of a seed; the fewest are 5. */
  readonly steps: number;
  /** Makes the remote; its files, if any, go into the directory. */
  createHost(directory: string): RemoteHost;
  /** How procedures run: `runSync` or `runAsync`. */
  run<T>(procedure: Coroutine<T>, ports: EngineIo): MaybePromise<T>;
}

/** One remote and a few replicas, all from one seed. */
export class World {
  readonly stage: Stage;
  readonly random: SeededRandom;
  readonly clock: VirtualClock;
  readonly directory: string;
  readonly remote: SimulatedRemote;
  readonly replicas: readonly SimulatedReplica[];
  /** What has happened, one line each. */
  readonly story: string[] = [];
  readonly #endings: (() => void)[] = [];

  constructor(stage: Stage, seed: number, directory: string) {
    this.stage = stage;
    this.random = createRandom(seed);
    this.clock = createVirtualClock(createRandom(seed + 0x5eed));
    this.directory = join(directory, String(seed));
    mkdirSync(this.directory);
    this.remote = new SimulatedRemote(stage.createHost(this.directory), this.random);
    const length = this.random.pick([2, 2, 2, 2, 3, 3, 4, 5]);
    this.replicas = Array.from({ length }, (_, index) => {
      const bootstrapIfEmpty = this.random.chance(0.85);
      const pushOperationsThreshold = this.random.pick([1, 3, 1_000]);
      const pullBytesThreshold = this.random.pick([undefined, 8_192]);
      return new SimulatedReplica(this, index + 1, {
        bootstrapIfEmpty,
        pushOperationsThreshold,
        pullBytesThreshold,
      });
    });
  }

  /** Fills the remote, of which there is a backup from then on, and opens the replicas. */
  async begin(): Promise<void> {
    const kinds = this.random.pick(FIRST_TABLES);
    for (const name of ["log", ...kinds]) createTable(this.remote, name);
    for (let count = this.random.below(12); count > 0; count--) runStatement(this.remote);
    this.remote.backUp();
    for (const replica of this.replicas) await replica.open();
  }

  /** Runs what may fail with these codes; returns the code. */
  async attempt(codes: readonly string[], work: () => Promise<unknown>): Promise<string | undefined> {
    try {
      await work();
      return undefined;
    } catch (error) {
      if (!(error instanceof SyncError) || !codes.includes(error.code)) throw error;
      return error.code;
    }
  }

  /** Adds to what the story says of the present step. */
  tell(what: string): void {
    this.story.push(`${this.story.pop() ?? ""}; ${what}`);
  }

  atEnd(ending: () => void): void {
    this.#endings.push(ending);
  }

  /** Everybody syncs until nothing comes: then all are the same, and every line of the log is there once. */
  async finish(): Promise<void> {
    await this.remote.deliverLate("all");
    for (const replica of this.replicas) replica.network.offline = false;
    for (let round = 0, came = true; came; round++) {
      if (round === 5) throw new Error("The replicas do not come to rest.");
      came = false;
      for (const replica of this.replicas) came = (await replica.sync()) || came;
    }
    this.remote.expectContents();
    for (const replica of this.replicas) {
      expectContents(`replica ${replica.number} at the end`, (sql) => replica.query(sql), this.remote.state);
      replica.expectIntegrity();
    }
    if (!this.remote.wasRestored) this.#expectLog(this.remote.state);
  }

  #expectLog({ tables }: State): void {
    const lines = Array.from((tables.get("log") as Table).rows.values(), ({ line }) => line);
    const written = this.replicas.flatMap(({ logged }) => [...logged]);
    const isRight = lines.length === new Set(lines).size && written.every((line) => lines.includes(line));
    if (!isRight)
      throw new Error(`The log has ${lines.length} lines, not each of the ${written.length} once.`);
  }

  async end(): Promise<void> {
    for (const ending of this.#endings) ending();
    for (const replica of this.replicas) replica.abandon();
    await this.remote.host.close();
    rmSync(this.directory, { recursive: true });
  }
}
