import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  applyChanges,
  type Coroutine,
  checkpoint,
  closeReplica,
  pushChanges,
  type ReplicaConfig,
  SyncError,
  stats,
  waitChanges,
} from "@tributary/core";
import { configOf } from "../support/engine.js";
import { expectContents } from "./contents.js";
import { copyDirectory, EngineProcess, type Lifetime } from "./engine-process.js";
import { afterPull, type TapeEntry } from "./meeting.js";
import { type Change, cloneState, emptyState, type State } from "./model.js";
import { Network } from "./network.js";
import type { Site } from "./site.js";
import type { World } from "./world.js";

/** A replica with its model, over the real engine and real files. */
export class SimulatedReplica implements Site {
  readonly number: number;
  readonly random: World["random"];
  readonly #world: World;
  state: State = emptyState();
  /** Local changes in order. */
  tape: TapeEntry[] = [];
  /** Lines of the log that it has committed. */
  logged: Set<string> = new Set();
  network: Network;
  readonly #options: Partial<ReplicaConfig>;
  #isNew = true;
  /** The log was being moved into the database file, so that the file may not be as the metadata has it. */
  #diedMovingPages = false;
  /** SQLite's number of the state that was last read and found right. */
  #checkedVersion: unknown;
  #copies = 0;
  generation = 0;
  #process: EngineProcess | undefined;

  constructor(world: World, number: number, options: Partial<ReplicaConfig>) {
    this.#world = world;
    this.#options = options;
    this.number = number;
    this.random = world.random;
    this.network = new Network(world.remote.host.connect(), world.remote, this);
    mkdirSync(this.#directory);
  }

  get #directory(): string {
    return join(this.#world.directory, `${this.number}-${this.#copies}`);
  }

  get #engine(): EngineProcess {
    if (this.#process === undefined) throw new Error("The replica is not open.");
    return this.#process;
  }

  unique(): number {
    return this.#world.remote.unique();
  }

  exec(sql: string): void {
    this.#checkedVersion = undefined;
    this.#engine.db.exec(sql);
  }

  record(change: Change): void {
    this.tape.push({ id: 0, change, parked: false });
    if (change.type === "insert" && change.shape.table === "log") this.logged.add(String(change.after.line));
  }

  /** Runs statements in a transaction; a transaction that is not committed has not happened. */
  transaction(work: () => void, end: "COMMIT" | "ROLLBACK" | "death"): void {
    const before = { state: cloneState(this.state), tape: [...this.tape], logged: new Set(this.logged) };
    this.exec("BEGIN");
    work();
    if (end !== "death") this.exec(end);
    if (end === "COMMIT") return;
    Object.assign(this, before);
  }

  /** Opens or reopens. `lifetime`: when the process dies. */
  async open(lifetime?: Lifetime): Promise<void> {
    this.#process = new EngineProcess(this.#world, this.network);
    this.#checkedVersion = undefined;
    const path = join(this.#directory, "replica.db");
    await this.#process.open(configOf(path, { ...this.#options, clientName: `r${this.number}` }), lifetime);
    if (!this.#diedMovingPages) this.#expect("problem found", this.#engine.session.recovered[0], undefined);
    this.#diedMovingPages = false;
    if (this.#isNew && this.network.pulled !== undefined) this.state = cloneState(this.network.pulled);
    this.#isNew = false;
    // It opens as it was, or has finished the apply that it died in.
    const before = this.state;
    this.#settleGeneration(this.#readGeneration());
    // Nor does the generation tell of a pull that was laid over, or was to be, before it died.
    for (const state of [before, this.network.pulled])
      if (this.tape.length === 0 && state !== undefined && !this.#showsState())
        this.state = cloneState(state);
    this.afterCommit();
  }

  async close(lifetime?: Lifetime): Promise<void> {
    await this.#movingPages(closeReplica(this.#engine.session), lifetime);
  }

  async push(lifetime?: Lifetime): Promise<void> {
    await this.#engine.run(pushChanges(this.#engine.session), lifetime);
    const { pendingChanges, parkedChanges } = await this.#engine.run(stats(this.#engine.session));
    this.#expect("changes pending after a push", pendingChanges, 0);
    this.#expect("parked changes", parkedChanges, this.tape.filter(({ parked }) => parked).length);
  }

  /** Pulls; `meanwhile` happens between the download and its apply. Returns whether anything came. */
  async pull(lifetime?: Lifetime, meanwhile?: () => Promise<void>): Promise<boolean> {
    const outcome = await this.#pullOnce(lifetime, meanwhile);
    if (outcome !== "out of date") return outcome;
    const again = await this.#pullOnce(lifetime);
    if (again !== true) throw new Error(`A pull right after one that was out of date: ${again}.`);
    return again;
  }

  async #pullOnce(lifetime?: Lifetime, meanwhile?: () => Promise<void>): Promise<boolean | "out of date"> {
    const changes = await this.#engine.run(waitChanges(this.#engine.session), lifetime);
    if (changes === undefined) return false;
    const pulled = this.network.pulled as State;
    await meanwhile?.();
    this.network.pulled = pulled;
    let applied: boolean;
    try {
      applied = await this.#engine.run(applyChanges(this.#engine.session, changes), lifetime);
    } finally {
      if (!this.#engine.isDead) await this.#engine.run(changes.dispose());
    }
    const generation = this.#readGeneration();
    const isLaidOver = applied && generation === this.generation;
    if (isLaidOver) {
      this.#expect("local changes under a pull that was laid over", this.tape.length, 0);
      this.state = cloneState(pulled);
    }
    this.#settleGeneration(generation);
    if (!applied) return "out of date";
    this.afterCommit();
    const { pendingChanges } = await this.#engine.run(stats(this.#engine.session));
    this.#expect("changes pending", pendingChanges, this.tape.filter(({ parked }) => !parked).length);
    return true;
  }

  /** As the façade does it. */
  async sync(lifetime?: Lifetime): Promise<boolean> {
    let pulled = false;
    try {
      await this.push(lifetime);
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== "remote-sql-failed") throw error;
      pulled = await this.pull(lifetime);
      if (!pulled) throw error;
      await this.push(lifetime);
    }
    return (await this.pull(lifetime)) || pulled;
  }

  async checkpoint(lifetime?: Lifetime): Promise<void> {
    await this.#movingPages(checkpoint(this.#engine.session), lifetime);
  }

  /** Goes on with a copy of the files as they are now. The old connections are left alone until the end. */
  async resurrect(lifetime?: Lifetime): Promise<void> {
    const old = this.#directory;
    const { offline, pulled } = this.network;
    const dead = this.#engine;
    this.#world.atEnd(() => dead.abandon());
    this.#copies++;
    copyDirectory(old, this.#directory);
    this.network = new Network(this.#world.remote.host.connect(), this.#world.remote, this);
    Object.assign(this.network, { offline, pulled });
    await this.open(lifetime);
  }

  /** After each transaction: the tape has an entry for every change of the model, and the rows are those of the model. */
  afterCommit(): void {
    const ids = this.query("SELECT id FROM tributary_tape WHERE op <> 5 ORDER BY id").map(([id]) =>
      Number(id),
    );
    this.#expect("changes on the tape", ids.length, this.tape.length);
    for (const [index, entry] of this.tape.entries()) {
      const id = ids[index] as number;
      if (entry.id !== 0) this.#expect("change id", id, entry.id);
      entry.id = id;
    }
    this.expectContents();
  }

  /** Reads the rows only where somebody may have written since they were last read. */
  expectContents(): void {
    const version = this.query("PRAGMA data_version")[0]?.[0];
    if (version === this.#checkedVersion) return;
    expectContents(`replica ${this.number}`, (sql) => this.query(sql), this.state);
    this.#checkedVersion = version;
  }

  #showsState(): boolean {
    try {
      expectContents("", (sql) => this.query(sql), this.state);
      return true;
    } catch {
      return false;
    }
  }

  expectIntegrity(): void {
    this.#expect("integrity_check", this.query("PRAGMA integrity_check")[0]?.[0], "ok");
  }

  abandon(): void {
    this.#process?.abandon();
  }

  query(sql: string): unknown[][] {
    return this.#engine.query(sql);
  }

  #readGeneration(): number {
    return Number(this.query("SELECT value FROM tributary_local WHERE name = 'pull_generation'")[0]?.[0]);
  }

  /** The pull generation tells whether a pull has happened; then the model has to follow. */
  #settleGeneration(generation: number): void {
    if (generation === this.generation) return;
    this.#expect("pull generation", generation, this.generation + 1);
    const pulled = this.network.pulled as State;
    const position = pulled.positions.get(this.#engine.session.metadata.clientId);
    const pushed = position?.generation === this.generation ? position.changeId : 0;
    const pending = this.tape.filter(({ id, parked }) => parked || id > pushed);
    const result = afterPull(pulled, pending);
    if (result === undefined) throw new Error("A pull was applied that should be a conflict.");
    this.state = result.view;
    this.tape = result.tape;
    this.generation = generation;
  }

  async #movingPages(procedure: Coroutine<void>, lifetime: Lifetime | undefined): Promise<void> {
    this.#diedMovingPages = true;
    await this.#engine.run(procedure, lifetime);
    this.#diedMovingPages = false;
  }

  #expect(what: string, actual: unknown, expected: unknown): void {
    if (actual === expected) return;
    throw new Error(`replica ${this.number}: ${what}: ${String(actual)}, not ${String(expected)}`);
  }
}
