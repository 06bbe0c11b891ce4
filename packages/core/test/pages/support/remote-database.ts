import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { PageImages } from "../../../src/ports/replica-pages.js";
import { PAGE_SIZE } from "../../../src/values/page.js";
import { memoryPages } from "./memory-pages.js";
import { tempDirectory } from "./temp-directory.js";

/** A remote database: a file that is not in WAL mode, so that its bytes are its pages. */
export class RemoteDatabase {
  readonly path: string = join(tempDirectory(), "remote.db");
  readonly #db: Database.Database;

  constructor(sql: string) {
    this.#db = new Database(this.path);
    this.#db.pragma("synchronous = OFF");
    this.#db.exec(sql);
    onTestFinished(() => {
      this.#db.close();
    });
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** All pages, back to back. */
  bytes(): Uint8Array {
    return new Uint8Array(readFileSync(this.path));
  }
}

/** A state as a database in WAL mode has it: its commits do not count themselves in page 1. */
export function withoutCount(before: Uint8Array, after: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(after);
  for (const offset of [24, 92]) bytes.set(before.subarray(offset, offset + 4), offset);
  return bytes;
}

/** The pages of `after` that are not the same in `before`. */
export function changedPages(before: Uint8Array | undefined, after: Uint8Array): PageImages {
  const changed: number[] = [];
  for (let offset = 0; offset < after.length; offset += PAGE_SIZE) {
    const image = Buffer.from(after.buffer, after.byteOffset + offset, PAGE_SIZE);
    if (before === undefined || !image.equals(before.subarray(offset, offset + PAGE_SIZE))) {
      changed.push(offset / PAGE_SIZE + 1);
    }
  }
  return pagesOf(after, changed);
}

/** Those pages of a database. */
export function pagesOf(database: Uint8Array, pageNumbers: readonly number[]): PageImages {
  const bytes = new Uint8Array(pageNumbers.length * PAGE_SIZE);
  for (const [index, page] of pageNumbers.entries()) {
    bytes.set(database.subarray((page - 1) * PAGE_SIZE, page * PAGE_SIZE), index * PAGE_SIZE);
  }
  return memoryPages(Uint32Array.from(pageNumbers), bytes);
}
