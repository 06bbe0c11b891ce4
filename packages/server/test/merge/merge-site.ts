import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DatabaseImage, PAGE_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { expect, onTestFinished } from "vitest";
import { openConnection } from "../../src/database/open-connection.js";
import { BranchDifference } from "../../src/merge/branch-difference.js";
import { beginMerge, type MergeCount, mergeBranch } from "../../src/merge/merge-branch.js";
import type { MergeImages } from "../../src/offline/branch-store.js";
import { tempDirectory } from "../support/temp-directory.js";

/** An image in memory. */
function imageOfBytes(bytes: Uint8Array): DatabaseImage {
  return {
    size: bytes.length / PAGE_SIZE,
    readPage: (pageNumber) => bytes.subarray((pageNumber - 1) * PAGE_SIZE, pageNumber * PAGE_SIZE),
  };
}

/** Two images in memory, with the pages that differ. */
export function imagesOfBytes(before: Uint8Array, after: Uint8Array): MergeImages {
  const changedPages = new Set<number>();
  const [old, made] = [imageOfBytes(before), imageOfBytes(after)];
  for (let page = 1; page <= made.size; page++) {
    const isSame = page <= old.size && Buffer.compare(old.readPage(page), made.readPage(page)) === 0;
    if (!isSame) changedPages.add(page);
  }
  return { before: old, after: made, changedPages, close: () => {} };
}

/** A database, and replicas whose pushes are merged into it. */
export class MergeSite {
  readonly path: string = join(tempDirectory(), "main.db");
  readonly main: Database.Database;
  #version = 0;
  #replicas = 0;

  /** `sql` makes the database. */
  constructor(sql: string) {
    this.main = new Database(this.path);
    onTestFinished(() => void this.main.close());
    this.main.pragma("journal_mode = WAL");
    this.main.exec(sql);
  }

  replica(): MergeReplica {
    this.#replicas += 1;
    const replica = new MergeReplica(this, `device-${this.#replicas}`);
    replica.pull();
    return replica;
  }

  /** All rows of a query, as arrays; integers as `bigint` if they are to be exact. */
  rows(sql: string, isExact = false): unknown[][] {
    return this.main.prepare(sql).raw(true).safeIntegers(isExact).all() as unknown[][];
  }

  /** What was not taken, without the times. */
  refused(): { table: unknown; change: unknown; reason: unknown }[] {
    return this.rows("SELECT table_name, change, reason FROM tributary_refused ORDER BY id").map(
      ([table, change, reason]) => ({ table, change: JSON.parse(String(change)), reason }),
    );
  }

  check(): void {
    expect(this.rows("PRAGMA integrity_check")).toEqual([["ok"]]);
  }

  /** Counts pushes and pulls of whomever. */
  get version(): number {
    return this.#version;
  }

  bump(): void {
    this.#version += 1;
  }
}

/** A replica of a {@link MergeSite}: a copy of it, page by page, and what was pushed of it. */
export class MergeReplica {
  readonly #site: MergeSite;
  readonly #name: string;
  readonly #path: string;
  #database: Database.Database | undefined;
  #pushed: Buffer = Buffer.alloc(0);
  #position = 0;
  /** The version of the database whose rows it had after its last pull or push. */
  #equalTo = -1;

  constructor(site: MergeSite, name: string) {
    this.#site = site;
    this.#name = name;
    this.#path = join(tempDirectory(), `${name}.db`);
    onTestFinished(() => void this.#database?.close());
  }

  run(sql: string): void {
    this.#database?.exec(sql);
  }

  rows(sql: string): unknown[][] {
    return (this.#database as Database.Database).prepare(sql).raw(true).all() as unknown[][];
  }

  /** Takes all pages of the database. */
  pull(): void {
    this.#database?.close();
    this.#pushed = this.#site.main.serialize();
    writeFileSync(this.#path, this.#pushed);
    this.#database = new Database(this.#path);
    this.#database.pragma("foreign_keys = OFF");
    // A replica is anybody's: it may write to its schema.
    this.#database.unsafeMode(true);
    this.#equalTo = this.#site.version;
  }

  /** Merges what was done since the last push. `giveWay` as that of `mergeBranch`. */
  async push(giveWay: () => Promise<void> | undefined = () => undefined): Promise<MergeCount> {
    const after = (this.#database as Database.Database).serialize();
    const images = imagesOfBytes(this.#pushed, after);
    const difference = new BranchDifference(images);
    const connection = openConnection(this.#site.path, 1_000_000);
    try {
      beginMerge(connection);
      this.#position += images.changedPages.size;
      const work = { clientId: this.#name, upTo: this.#position };
      const isEqual = this.#equalTo === this.#site.version;
      const count = await mergeBranch({ connection, difference, work, isEqual, giveWay });
      connection.exec("COMMIT");
      this.#pushed = after;
      this.#site.bump();
      if (isEqual && count.isExact) this.#equalTo = this.#site.version;
      return count;
    } finally {
      connection.close();
    }
  }
}
