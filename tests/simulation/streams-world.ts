import { SyncError } from "@tributary/core";
import { createRandom, type SeededRandom } from "@tributary/testkit";
import type { ChannelFaults } from "../support/faulty-channel.js";
import { SteppedClock } from "../support/stepped-clock.js";
import { StreamsSite } from "./streams-site.js";

/** What a seed may be about. */
export interface StreamsPlan {
  readonly test: string;
  /** Which site each is a spoke of; the first is nobody's. */
  readonly parents: readonly (number | undefined)[];
  readonly hasSchemaChanges: boolean;
  /** What is written goes down the tree only. Else sites are spokes of the hub that they belong to. */
  readonly isOneWay: boolean;
  /** Which sites write. */
  readonly writers: readonly number[];
}

const FAULTS: readonly ChannelFaults[] = [
  { delayMs: [1, 10] },
  { drop: 0.05, delayMs: [1, 30] },
  { duplicate: 0.2, reorder: true, delayMs: [1, 30] },
  { drop: 0.03, duplicate: 0.1, reorder: true, delayMs: [1, 60], highWaterBytes: 4096 },
];

/** Databases in a tree of links, and what was written: all must end up the same, with every line of the log. */
export class StreamsWorld {
  readonly random: SeededRandom;
  readonly clock: SteppedClock;
  readonly directory: string;
  readonly prefix: string;
  readonly sites: StreamsSite[] = [];
  readonly story: string[] = [];
  /** Lines that were committed, and nobody deletes. */
  readonly #log = new Set<string>();
  readonly #plan: StreamsPlan;
  #unique = 0;
  #isCalm = false;
  #failure: Error | undefined;

  constructor(plan: StreamsPlan, seed: number, directory: string) {
    this.#plan = plan;
    this.random = createRandom(seed);
    this.clock = new SteppedClock(this.random);
    this.directory = directory;
    this.prefix = `s${seed}-`;
    for (const [number, parent] of plan.parents.entries()) {
      this.sites.push(new StreamsSite(this, number, parent === undefined ? undefined : this.sites[parent]));
    }
  }

  async run(): Promise<void> {
    const [hub] = this.sites as [StreamsSite];
    hub.open();
    hub.exec(
      "CREATE TABLE log (line TEXT PRIMARY KEY); CREATE TABLE i (k INTEGER PRIMARY KEY, a, b); CREATE TABLE w (j, k, a, PRIMARY KEY (j, k)) WITHOUT ROWID;",
    );
    this.#write(hub);
    for (const site of this.sites.slice(1)) {
      site.open();
      // Down the tree: a site has something to tell once it has heard.
      await this.clock.until(() => this.#hasTables(site), 600_000);
    }
    for (let count = 5 + this.random.below(40); count > 0; count--) await this.#step();
    await this.#settle();
    this.#check();
  }

  end(): void {
    for (const site of [...this.sites].reverse()) site.end();
  }

  get isOneWay(): boolean {
    return this.#plan.isOneWay;
  }

  unreachable(): SyncError {
    return new SyncError("unreachable", "no network");
  }

  faults(): ChannelFaults {
    return this.#isCalm ? { delayMs: [1, 5] } : this.random.pick(FAULTS);
  }

  linkEnded(site: StreamsSite, error: Error | undefined): void {
    const isPassing = error === undefined || (error instanceof SyncError && error.blame === "network");
    if (!isPassing)
      this.#failure ??= new Error(`link of site ${site.number}: ${error.message}`, { cause: error });
  }

  async #step(): Promise<void> {
    const { random } = this;
    const site = random.pick(this.sites);
    const what = random.pick([
      "write",
      "write",
      "write",
      "write",
      "time",
      "time",
      "cut",
      "network",
      "crash",
      "many",
    ]);
    this.story.push(`${site.number} ${what}`);
    if (what === "write") this.#write(site);
    else if (what === "many") for (let count = 0; count < 20; count++) this.#write(site);
    else if (what === "time") await this.clock.advance(random.below(300));
    else if (what === "cut") site.cut();
    else if (what === "crash") site.crash();
    else {
      site.isOffline = !site.isOffline;
      if (site.isOffline) site.cut();
    }
    await this.clock.advance(random.below(20));
    this.#expectNoFailure();
  }

  #write(site: StreamsSite): void {
    if (!this.#plan.writers.includes(site.number)) return;
    const lines: string[] = [];
    const statements = Array.from({ length: this.random.pick([1, 1, 1, 3, 6]) }, () =>
      this.#statement(site, lines),
    );
    const ends = this.random.chance(0.1) ? "ROLLBACK" : "COMMIT";
    this.story.push(`  ${site.number}: ${statements.join("; ")}; ${ends}`);
    site.exec(`BEGIN; ${statements.join("; ")}; ${ends}`);
    if (ends === "COMMIT") for (const line of lines) this.#log.add(line);
  }

  #statement(site: StreamsSite, lines: string[]): string {
    const { random } = this;
    const key = random.below(8);
    const value = random.pick([
      "NULL",
      "1",
      "1.0",
      "9007199254740993",
      "x'00ff'",
      `'${site.number}:${++this.#unique}'`,
    ]);
    if (this.#plan.hasSchemaChanges && random.chance(0.06)) return this.#schemaStatement();
    const [j, k] = [random.below(3), random.below(2)];
    const pair = `j = ${j} AND k = '${k}'`;
    switch (random.below(9)) {
      case 0:
      case 1: {
        const line = `${site.number}:${++this.#unique}`;
        lines.push(line);
        return `INSERT INTO log VALUES ('${line}')`;
      }
      case 2:
        return `INSERT OR REPLACE INTO i (k, a, b) VALUES (${key}, ${value}, '${"long ".repeat(random.below(30))}')`;
      case 3:
        return `INSERT INTO i (k, a) VALUES (${key}, ${value}) ON CONFLICT DO UPDATE SET a = excluded.a`;
      case 4:
        return `UPDATE i SET ${random.pick(["a", "b"])} = ${value} WHERE k BETWEEN ${key} AND 8`;
      case 5:
        return `DELETE FROM i WHERE k = ${key}`;
      case 6:
        return `INSERT OR REPLACE INTO w (j, k, a) VALUES (${j}, '${k}', ${value})`;
      case 7:
        return `UPDATE w SET a = ${value} WHERE ${pair}`;
      default:
        return `DELETE FROM w WHERE ${pair}`;
    }
  }

  #schemaStatement(): string {
    const name = `n${++this.#unique}`;
    return this.random.pick([
      `ALTER TABLE i ADD COLUMN ${name} DEFAULT 7`,
      `CREATE TABLE ${name} (k INTEGER PRIMARY KEY, a); INSERT INTO ${name} VALUES (1, 'made')`,
      `CREATE INDEX ${name} ON i (a)`,
    ]);
  }

  async #settle(): Promise<void> {
    this.story.push("the end");
    this.#isCalm = true;
    for (const site of this.sites) {
      site.isOffline = false;
      site.cut();
    }
    await this.clock.advance(10_000);
    // Up the tree, so that what comes from below is on its way down too; and as often as the tree is deep.
    for (let round = 0; round < 3; round++) {
      for (const { kept } of [...this.sites].reverse()) {
        this.#expectNoFailure();
        if (kept !== undefined) await this.clock.finish(kept.flush(), 100_000);
      }
      await this.clock.advance(10_000);
    }
    this.#expectNoFailure();
  }

  #check(): void {
    const [first, ...others] = this.sites.map((site) => this.#contents(site)) as [string[], ...string[][]];
    for (const [index, lines] of [first, ...others].entries()) {
      const log = lines
        .filter((line) => line.startsWith("log|"))
        .map((line) => line.slice("log|'".length, -1));
      const lost = [...this.#log].filter((line) => !log.includes(line));
      if (lost.length === 0 && log.length === this.#log.size) continue;
      throw new Error(`Site ${index}: ${log.length} lines, not ${this.#log.size}; lost: ${lost.join()}`);
    }
    for (const [index, lines] of others.entries()) {
      const tooMuch = lines.filter((line) => !first.includes(line)).slice(0, 6);
      const missing = first.filter((line) => !lines.includes(line)).slice(0, 6);
      if (tooMuch.length + missing.length === 0 && lines.length === first.length) continue;
      throw new Error(
        `Site ${index + 1} has ${JSON.stringify(tooMuch)} and lacks ${JSON.stringify(missing)}`,
      );
    }
  }

  #expectNoFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const { number, kept } of this.sites) {
      if (kept?.status.state !== "stopped") continue;
      throw new Error(`The link of site ${number} has stopped: ${kept.status.error.message}`, {
        cause: kept.status.error,
      });
    }
  }

  #hasTables({ database }: StreamsSite): boolean {
    return database.db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'w'").get() !== undefined;
  }

  #contents({ database: { db } }: StreamsSite): string[] {
    const tables = db
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'tributary%' ORDER BY name",
      )
      .pluck()
      .all() as string[];
    const indexes = db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL ORDER BY name")
      .pluck()
      .all();
    const rows = tables.flatMap((table) => {
      // By name: two that add columns at the same time have them in different orders.
      const columns = (
        db.prepare(`SELECT name FROM pragma_table_info('${table}') ORDER BY name`).pluck().all() as string[]
      )
        .map((name) => `quote(${name})`)
        .join(" || '|' || ");
      return (db.prepare(`SELECT ${columns} FROM ${table}`).pluck().all() as string[]).map(
        (row) => `${table}|${row}`,
      );
    });
    return [tables.join(), indexes.join(), ...rows.sort()];
  }
}
