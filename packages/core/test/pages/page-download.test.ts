import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { createNodeStorage } from "../../../storage-node-fs/src/index.js";
import type { Coroutine } from "../../src/coroutine/coroutine.js";
import { runSync } from "../../src/coroutine/run-sync.js";
import { PageDownload } from "../../src/pages/page-download.js";
import { PageMap } from "../../src/pages/page-map.js";
import type { EngineIo } from "../../src/ports/engine-io.js";
import { LOCK_BYTE_PAGE } from "../../src/sqlite-format/database-header.js";
import { PAGE_SIZE } from "../../src/values/page.js";
import { pagesOf } from "./support/remote-database.js";
import { tempDirectory } from "./support/temp-directory.js";

const ports = createNodeStorage() as unknown as EngineIo;
const run = <T>(coroutine: Coroutine<T>): T => runSync(coroutine, ports);
const refusal = (text: RegExp) =>
  expect.objectContaining({ code: "invalid-page-stream", message: expect.stringMatching(text) });

function begin(databaseSize: number, pagesInMemory = 0): { download: PageDownload; path: string } {
  const path = join(tempDirectory(), "replica.db-changes");
  return { path, download: new PageDownload(path, databaseSize, pagesInMemory) };
}

function batch(database: Uint8Array, ids: readonly number[]) {
  const bytes = run(
    pagesOf(
      database,
      ids.map((id) => id + 1),
    ).read(0, ids.length),
  );
  return { pageIds: Uint32Array.from(ids), bytes };
}

/** A database of four pages. */
function fourPages(): Uint8Array {
  const db = new Database(":memory:");
  db.exec("CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE c (x)");
  const bytes = new Uint8Array(db.serialize());
  db.close();
  return bytes;
}

describe("a download", () => {
  const database = fourPages();

  it.each([0, 2, 3, 4])("gives the pages back in the order they came, %i of them in memory", (inMemory) => {
    const { download, path } = begin(4, inMemory);
    run(download.add(batch(database, [2, 0])));
    run(download.add(batch(database, [3, 1])));
    expect(existsSync(path)).toBe(inMemory < 4);
    run(download.checkComplete(true));
    expect([...download.pageNumbers]).toEqual([3, 1, 4, 2]);
    expect(download.pageCount).toBe(4);
    const middle = run(download.read(1, 3));
    expect(Buffer.from(middle.subarray(0, PAGE_SIZE)).equals(database.subarray(0, PAGE_SIZE))).toBe(true);
    expect(
      Buffer.from(middle.subarray(PAGE_SIZE)).equals(database.subarray(3 * PAGE_SIZE, 4 * PAGE_SIZE)),
    ).toBe(true);
    run(download.dispose());
    run(download.dispose());
    expect(existsSync(path)).toBe(false);
  });

  it("is refused with a page twice, beyond the end, of a wrong size", () => {
    const { download } = begin(4);
    run(download.add(batch(database, [1])));
    expect(() => run(download.add(batch(database, [2, 1])))).toThrow(refusal(/page 1 twice/));
    expect(() => run(download.add(batch(database, [4])))).toThrow(refusal(/page 4/));
    const short = { pageIds: Uint32Array.of(3), bytes: new Uint8Array(100) };
    expect(() => run(download.add(short))).toThrow(refusal(/100 bytes/));
    run(download.dispose());
  });

  it("is complete with every page, or with any when it is what changed", () => {
    const { download } = begin(4);
    run(download.add(batch(database, [3, 2, 0])));
    run(download.checkComplete(false));
    expect(() => run(download.checkComplete(true))).toThrow(
      refusal(/sent 3; the first one missing has the id 1/),
    );
    run(download.dispose());
    const empty = begin(0);
    expect(() => run(empty.download.checkComplete(true))).toThrow(refusal(/0 pages/));
    run(empty.download.dispose());
  });

  it("is refused when page 1 begins no database", () => {
    const { download } = begin(4);
    run(download.add({ pageIds: Uint32Array.of(0), bytes: new Uint8Array(PAGE_SIZE) }));
    expect(() => run(download.checkComplete(false))).toThrow(refusal(/header/));
    run(download.dispose());
    const smaller = begin(2);
    run(smaller.download.add(batch(database, [0])));
    expect(() => run(smaller.download.checkComplete(false))).toThrow(refusal(/counts 4 pages/));
    run(smaller.download.dispose());
  });
});

describe("PageMap", () => {
  it("holds ids far apart", () => {
    const map = new PageMap();
    map.addAll(Uint32Array.of(0, LOCK_BYTE_PAGE, 5_000_000), 5_000_001);
    expect([map.size, map.has(0), map.has(1), map.has(5_000_000), map.firstMissing(10)]).toEqual([
      3,
      true,
      false,
      true,
      1,
    ]);
  });
});
