import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import type { ServerDatabase } from "../src/database/server-database.js";
import { copyDatabase } from "./support/copy-database.js";
import { Mirror } from "./support/mirror.js";
import { openDatabase } from "./support/open-database.js";
import { createRandom } from "./support/random.js";
import { connectTo } from "./support/run-sql.js";

const OPTIONS = { walLimitBytes: 24 * 4120, snapshotRetentionMs: 0 };

/** A server that has a hard life, and its clients. Whatever happens, a pull must give what is in the file. */
class World {
  readonly #random: () => number;
  readonly #mirrors = Array.from({ length: 4 }, () => new Mirror());
  /** What every revision that was ever told stands for. */
  readonly #told = new Map<string, string>();
  readonly #images: string[] = [];
  #path: string;
  #database: ServerDatabase;
  /** Pulls after a restart that did not have to bring everything. */
  deltasAfterRestart = 0;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    const { database, path } = openDatabase(OPTIONS);
    this.#path = path;
    this.#database = database;
    this.#run("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
    this.#run(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, hex(zeroblob(300)) FROM n",
    );
    // Whoever loses the WAL still has the table.
    this.#database.snapshots.checkpoint();
  }

  step(): void {
    const roll = this.#random();
    if (roll < 0.5) this.#commit();
    else if (roll < 0.75) this.#pull(this.#pick(this.#mirrors));
    else if (roll < 0.78) this.#database.snapshots.checkpoint();
    else if (roll < 0.84) this.#images.push(copyDatabase(this.#path));
    else this.#restart();
  }

  /** Everybody pulls. */
  settle(): void {
    for (const mirror of this.#mirrors) this.#pull(mirror);
  }

  #restart(): void {
    const isKilled = this.#random() < 0.6;
    if (isKilled && this.#random() < 0.3) this.#commit(false);
    const image = isKilled ? copyDatabase(this.#path) : undefined;
    this.#database.close();
    if (image !== undefined) this.#path = image;
    for (let events = Math.floor(this.#random() * 3); events > 0; events--) {
      this.#pick([
        () => this.#foreignWrite(),
        () => this.#foreignWrite(),
        () => this.#read(),
        () => this.#damageIndex(),
        () => this.#goBack(),
        () => this.#goBack(),
        () => rmSync(`${this.#path}-wal`, { force: true }),
        () => rmSync(`${this.#path}-revisions`, { force: true }),
      ])();
    }
    this.#database = openDatabase({ ...OPTIONS, path: this.#path }).database;
    const before = this.#database.log.databaseSize;
    const mirror = this.#pick(this.#mirrors);
    const wasEmpty = mirror.revision === "";
    this.#pull(mirror);
    if (!wasEmpty && mirror.received < before / 2) this.deltasAfterRestart += 1;
  }

  #pull(mirror: Mirror): void {
    mirror.pull(this.#database);
    mirror.expectSameAs(this.#path);
    const content = createHash("sha256").update(mirror.bytes).digest("hex");
    expect(this.#told.get(mirror.revision) ?? content).toBe(content);
    this.#told.set(mirror.revision, content);
  }

  #commit(isSeen = true): void {
    this.#run(this.#write());
    if (isSeen) this.#database.sync();
  }

  #write(): string {
    const id = 1 + Math.floor(this.#random() * 300);
    const digits = String(Math.floor(this.#random() * 1e9));
    return this.#pick([
      `UPDATE t SET body = body || '${digits}' WHERE id = ${id}`,
      `UPDATE t SET body = '${digits}' || substr(body, 10) WHERE id BETWEEN ${id} AND ${id + 20}`,
      `INSERT INTO t(body) VALUES (hex(zeroblob(${Math.floor(this.#random() * 5000)})))`,
      `DELETE FROM t WHERE id > 300 AND id % 3 = 0`,
    ]);
  }

  #run(sql: string): void {
    const connection = connectTo(this.#database);
    connection.run(sql);
    connection.close();
    this.#database.trySync();
  }

  /** Another program, while the server is down: leaves a WAL behind or not. */
  #foreignWrite(): void {
    const connection = new Database(this.#path);
    if (this.#random() < 0.3) connection.pragma("wal_autocheckpoint = 2");
    for (let count = Math.floor(this.#random() * 4); count >= 0; count--) connection.exec(this.#write());
    if (this.#random() < 0.2) connection.exec("VACUUM");
    const image = this.#random() < 0.5 ? copyDatabase(this.#path) : undefined;
    connection.close();
    if (image !== undefined) this.#path = image;
  }

  #read(): void {
    const connection = new Database(this.#path);
    connection.prepare("SELECT count(*) FROM t").get();
    connection.close();
  }

  #damageIndex(): void {
    const path = `${this.#path}-revisions`;
    if (!existsSync(path)) return;
    const size = statSync(path).size;
    const place = Math.floor(this.#random() * size);
    if (this.#random() < 0.5) {
      truncateSync(path, place);
      return;
    }
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(place) ^ (1 + Math.floor(this.#random() * 255)), place);
    writeFileSync(path, bytes);
  }

  /** To an earlier copy of everything, or of the database alone, or of the index alone. */
  #goBack(): void {
    const image = this.#images.at(Math.floor(this.#random() * this.#images.length));
    if (image === undefined) return;
    const index = copyDatabase(this.#path);
    this.#pick([
      () => {
        this.#path = copyDatabase(image);
      },
      () => {
        this.#path = copyDatabase(image);
        if (existsSync(`${index}-revisions`)) copyFileSync(`${index}-revisions`, `${this.#path}-revisions`);
      },
      () => copyFileSync(`${image}-revisions`, `${this.#path}-revisions`),
      () => {
        rmSync(`${this.#path}-wal`, { force: true });
        copyFileSync(image, this.#path);
      },
    ])();
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }
}

test.each([1, 2, 3, 4, 5])("no revision is ever wrong, whatever happens to the files (seed %i)", (seed) => {
  const world = new World(seed);
  for (let step = 0; step < 150; step++) world.step();
  world.settle();
  expect(world.deltasAfterRestart).toBeGreaterThan(0);
});
