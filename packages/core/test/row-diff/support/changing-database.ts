import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { compareImages } from "../../../src/row-diff/compare-images.js";
import type { DatabaseImage } from "../../../src/row-diff/database-image.js";
import type { ImageDifference } from "../../../src/row-diff/image-difference.js";
import { parseWalHeader, WAL_HEADER_SIZE } from "../../../src/sqlite-format/wal-header.js";
import { WalScanner } from "../../../src/sqlite-format/wal-scanner.js";
import { PAGE_SIZE } from "../../../src/values/page.js";
import { tempDirectory } from "../../pages/support/temp-directory.js";
import { openScratch } from "./scratch.js";

/** A state of a database, as bytes, and how many frames of its log led to it. */
export interface State {
  readonly bytes: Uint8Array;
  readonly frames: number;
}

/** A database in WAL mode, whose log has every page that was ever written. */
export class ChangingDatabase {
  readonly db: Database.Database;
  readonly #path: string = join(tempDirectory(), "changing.db");

  constructor(...pragmas: readonly string[]) {
    this.db = new Database(this.#path);
    for (const pragma of [...pragmas, "journal_mode = WAL", "wal_autocheckpoint = 0", "synchronous = OFF"])
      this.db.pragma(pragma);
    this.db.exec("CREATE TABLE first (x); DROP TABLE first");
    onTestFinished(() => {
      this.db.close();
    });
  }

  state(): State {
    return { bytes: new Uint8Array(this.db.serialize()), frames: this.#frames().length };
  }

  /** Pages of the frames that follow. */
  changedPages(before: State, after: State): Set<number> {
    return new Set(this.#frames().slice(before.frames, after.frames));
  }

  /** Runs statements and tells what they have changed. */
  differenceOf(sql: string): ImageDifference {
    const before = this.state();
    this.db.exec(sql);
    const after = this.state();
    return compareImages({
      before: imageOf(before.bytes),
      after: imageOf(after.bytes),
      changedPages: this.changedPages(before, after),
      scratch: openScratch,
    });
  }

  #frames(): number[] {
    const log = new Uint8Array(readFileSync(`${this.#path}-wal`));
    const header = parseWalHeader(log);
    if (header === undefined) return [];
    return new WalScanner(header)
      .feed(log.subarray(WAL_HEADER_SIZE))
      .flatMap(({ pageNumbers }) => pageNumbers);
  }
}

/** The bytes of a database as an image. `onRead` is told of each page that is read. */
export function imageOf(bytes: Uint8Array, onRead: (page: number) => void = () => {}): DatabaseImage {
  // One buffer for all pages, as an image may have: what is kept of it is wrong after the next call.
  const page = new Uint8Array(PAGE_SIZE);
  return {
    size: bytes.length / PAGE_SIZE,
    readPage(number) {
      onRead(number);
      page.set(bytes.subarray((number - 1) * PAGE_SIZE, number * PAGE_SIZE));
      return page;
    },
  };
}

/** A database of its own with these bytes. */
export function openBytes(bytes: Uint8Array): Database.Database {
  const copy = Buffer.from(bytes);
  // A database in memory has no log.
  copy.fill(1, 18, 20);
  const db = new Database(copy);
  db.defaultSafeIntegers();
  return db;
}
