import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished } from "vitest";
import { createNodeStorage } from "../../../../storage-node-fs/src/index.js";
import type { Coroutine } from "../../../src/coroutine/coroutine.js";
import { runSync } from "../../../src/coroutine/run-sync.js";
import { openWalReplicaPages } from "../../../src/pages/wal-replica-pages.js";
import type { EngineIo } from "../../../src/ports/engine-io.js";
import type { PageImages, PublishPlan, ReplicaPages, SyncedPages } from "../../../src/ports/replica-pages.js";
import { localFirstPage, syncedHeaderOf } from "../../../src/sqlite-format/database-header.js";
import { PAGE_SIZE } from "../../../src/values/page.js";
import { createRandom } from "./random.js";
import { changedPages } from "./remote-database.js";
import { tempDirectory } from "./temp-directory.js";
import { createTestSql, type TestSql } from "./test-sql.js";

const EMPTY: SyncedPages = { databaseSize: 0, header: undefined, watermark: undefined, revertId: undefined };

/** A replica as far as its pages go: `saved` stands for the metadata, `base` is what S(R) must be, byte for byte. */
export class TestReplica {
  readonly path: string;
  readonly sql: TestSql;
  readonly ports: EngineIo;
  saved: SyncedPages;
  base: Uint8Array;
  #pages: ReplicaPages | undefined;

  private constructor(path: string, saved: SyncedPages, base: Uint8Array, seed: number) {
    this.path = path;
    this.saved = saved;
    this.base = base;
    this.sql = createTestSql();
    const random = createRandom(seed);
    this.ports = {
      ...createNodeStorage(),
      ...this.sql,
      randomBytes: (count: number) => Uint8Array.from({ length: count }, () => random(256)),
    } as unknown as EngineIo;
    onTestFinished(() => this.#closeAll());
  }

  /** A replica of a database, bootstrapped; of none, when `remote` is left out. */
  static create(remote?: Uint8Array, seed = 1): TestReplica {
    const path = join(tempDirectory(), "replica.db");
    if (remote === undefined) return new TestReplica(path, EMPTY, new Uint8Array(0), seed).open();
    const first = remote.subarray(0, PAGE_SIZE);
    const local = Uint8Array.from(remote);
    local.set(localFirstPage(first), 0);
    writeFileSync(path, local);
    const saved = { ...EMPTY, databaseSize: remote.length / PAGE_SIZE, header: syncedHeaderOf(first) };
    return new TestReplica(path, saved, remote, seed).open();
  }

  get pages(): ReplicaPages {
    if (this.#pages === undefined) throw new Error("The replica is closed.");
    return this.#pages;
  }

  get app(): Database.Database {
    return this.sql.app();
  }

  run<T>(coroutine: Coroutine<T>): T {
    return runSync(coroutine, this.ports);
  }

  /** Opens the pages as the engine does, save for settling. */
  open(): this {
    this.sql.openConnections(this.path);
    this.#pages = this.run(openWalReplicaPages(this.path, this.saved));
    this.run(this.pages.renewGuard());
    return this;
  }

  /** Runs a procedure under the write lock. */
  locked<T>(procedure: () => Coroutine<T>): T {
    this.sql.tryBeginWrite();
    try {
      return this.run(procedure());
    } finally {
      this.sql.executeSql("writer", "ROLLBACK");
    }
  }

  settle(save = true): void {
    const synced = this.locked(() => this.pages.settle());
    if (save) this.saved = synced;
  }

  /** As the engine does it: settles, saves, then checkpoints. */
  checkpoint(): void {
    this.settle();
    this.saved = this.run(this.pages.checkpoint());
  }

  /** Publishes a state of the remote, without adopting it. */
  publish(remote: Uint8Array, changes: PageImages = changedPages(this.#baseOrNone(), remote)): PublishPlan {
    const databaseSize = remote.length / PAGE_SIZE;
    const plan = this.locked(() => this.publishing(changes, databaseSize));
    this.run(this.pages.renewGuard());
    return plan;
  }

  *publishing(changes: PageImages, databaseSize: number): Coroutine<PublishPlan> {
    // The journal is where a plan lives between two processes.
    const plan = JSON.parse(
      JSON.stringify(yield* this.pages.planPublish(changes, databaseSize)),
    ) as PublishPlan;
    yield* this.pages.publish(plan, changes, databaseSize);
    return plan;
  }

  adopt(plan: PublishPlan, remote: Uint8Array): void {
    this.run(this.pages.adopt(plan));
    this.saved = this.pages.synced;
    this.base = remote;
    this.run(this.pages.dropRevertPages());
  }

  pull(remote: Uint8Array, changes?: PageImages): void {
    const plan = this.publish(remote, changes);
    expect(this.run(this.pages.isPublished(plan))).toBe(true);
    this.adopt(plan, remote);
  }

  /** Lays a state of the remote over the local one; false if that cannot be. */
  layOver(remote: Uint8Array): boolean {
    const changes = changedPages(this.base, remote);
    const synced = this.locked(() => this.pages.layOver(changes, remote.length / PAGE_SIZE));
    if (synced === undefined) return false;
    this.run(this.pages.follow(synced));
    this.saved = synced;
    this.base = remote;
    return true;
  }

  undo(plan: PublishPlan): void {
    this.saved = this.locked(() => this.pages.undoPublish(plan));
    this.run(this.pages.renewGuard());
  }

  /** Closes without a checkpoint of our own: SQLite's does it. */
  close(): void {
    this.settle();
    this.#closeAll();
  }

  #closeAll(): void {
    const pages = this.#pages;
    this.#pages = undefined;
    this.sql.closeConnections();
    if (pages !== undefined) this.run(pages.close());
  }

  /** The files as a process that died just now leaves them, elsewhere; not opened. */
  crashed(saved: SyncedPages = this.saved, base: Uint8Array = this.base): TestReplica {
    const path = join(tempDirectory(), "replica.db");
    for (const suffix of ["", "-wal", "-revert"]) {
      if (existsSync(this.path + suffix)) copyFileSync(this.path + suffix, path + suffix);
    }
    const metadata = JSON.parse(JSON.stringify(saved)) as Partial<SyncedPages>;
    return new TestReplica(path, { ...EMPTY, ...metadata }, base, 77);
  }

  /** S(R) is what the remote has, and the local database is sound. */
  check(): void {
    expect(this.pages.synced.databaseSize).toBe(this.base.length / PAGE_SIZE);
    for (let page = 1; page <= this.pages.synced.databaseSize; page++) {
      const image = this.run(this.pages.readSynced(page));
      const expected = this.base.subarray((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
      if (!Buffer.from(image).equals(expected))
        throw new Error(`The synced image of page ${page} is not right.`);
    }
    const db = new Database(this.path, { readonly: true });
    try {
      expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
    } finally {
      db.close();
    }
  }

  #baseOrNone(): Uint8Array | undefined {
    return this.base.length === 0 ? undefined : this.base;
  }
}
