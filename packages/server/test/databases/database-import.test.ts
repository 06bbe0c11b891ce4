import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { inlineJobs } from "../../src/database/database-jobs.js";
import { chunksOf, fillDisk, leftovers, makeFile } from "../support/database-files.js";
import { openRegistry, withDatabase } from "../support/open-registry.js";
import { runSql } from "../support/run-sql.js";

describe("an upload", () => {
  const small = (): Buffer =>
    makeFile((connection) => connection.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, body)"));

  test.each([
    ["in rollback mode", small],
    [
      "in WAL mode, without its WAL",
      () => {
        const bytes = small();
        bytes[18] = 2;
        bytes[19] = 2;
        return bytes;
      },
    ],
    [
      "with foreign keys that lead nowhere",
      () =>
        makeFile((connection) =>
          connection.exec(
            "PRAGMA foreign_keys = OFF; CREATE TABLE t(id, body REFERENCES u(id)); CREATE TABLE u(id UNIQUE); INSERT INTO t VALUES (1, 1)",
          ),
        ),
    ],
  ])("%s is taken", async (_, make) => {
    const { registry, fileOf, directory } = openRegistry();
    await registry.import("acme", chunksOf(make()));
    expect(readdirSync(dirname(fileOf("acme")))).toEqual(["database.db"]);
    expect(leftovers(directory)).toEqual([]);
    withDatabase(registry, "acme", (database) => runSql(database, "INSERT INTO t(id) VALUES (2)"));
  });

  const damaged = (): Buffer => {
    const bytes = makeFile((connection) => {
      connection.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
      const insert = connection.prepare("INSERT INTO t VALUES (?, zeroblob(3000))");
      for (let id = 0; id < 20; id++) insert.run(id);
    });
    return bytes.fill(0xff, 2 * 4096, 3 * 4096);
  };
  const withHeader =
    (offset: number, ...values: number[]) =>
    (): Buffer => {
      const bytes = small();
      bytes.set(values, offset);
      return bytes;
    };

  test.each<[string, () => Uint8Array, string]>([
    ["text", () => Buffer.from("no database at all, ".repeat(1000)), "not-a-database"],
    ["a few bytes", () => Buffer.from("SQLite format 3\0"), "not-a-database"],
    ["a damaged one", damaged, "not-a-database"],
    ["one that is cut off", () => damaged().subarray(0, 5 * 4096), "not-a-database"],
    ["one that is cut off inside a page", () => small().subarray(0, 5000), "not-a-database"],
    ["one whose schema makes no sense", withHeader(100, 0xee), "not-a-database"],
    [
      "one of another page size",
      () => makeFile((connection) => connection.exec("PRAGMA page_size = 1024; CREATE TABLE t(a)")),
      "unsupported-page-size",
    ],
    [
      "one in UTF-16",
      () => makeFile((connection) => connection.exec("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a)")),
      "unsupported-encoding",
    ],
    ["one of a later file format", withHeader(18, 9, 9), "not-a-database"],
  ])("of %s is refused", async (_, make, code) => {
    const { registry, directory } = openRegistry();
    await expect(registry.import("acme", chunksOf(make(), 60))).rejects.toMatchObject({ code });
    expect(await registry.list()).toEqual([]);
    expect(leftovers(directory)).toEqual([]);
  });

  test("is refused as soon as its header shows that it is nothing, and when it is too long", async () => {
    const { registry, directory } = openRegistry({ maxImportBytes: 50_000 });
    let sent = 0;
    async function* endless(first: Uint8Array): AsyncGenerator<Uint8Array> {
      yield first;
      for (;;) {
        sent += 1000;
        yield new Uint8Array(1000);
      }
    }
    await expect(registry.import("acme", endless(new Uint8Array(100)))).rejects.toMatchObject({
      code: "not-a-database",
    });
    expect(sent).toBe(0);
    await expect(registry.import("acme", endless(small()))).rejects.toMatchObject({
      code: "too-large",
      message: expect.stringContaining("50000 bytes"),
    });
    expect(sent).toBeLessThan(60_000);
    expect(leftovers(directory)).toEqual([]);
  });

  test("that breaks off leaves nothing behind", async () => {
    const { registry, directory } = openRegistry();
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield small();
      expect(leftovers(directory)).toHaveLength(1);
      throw new Error("gone away");
    }
    await expect(registry.import("acme", breaking())).rejects.toThrow("gone away");
    expect(leftovers(directory)).toEqual([]);
    expect(await registry.list()).toEqual([]);
  });

  test("that does not fit on the disk leaves nothing behind", async () => {
    const { registry, directory } = openRegistry();
    await fillDisk();
    await expect(registry.import("acme", chunksOf(small()))).rejects.toMatchObject({ code: "ENOSPC" });
    expect(leftovers(directory)).toEqual([]);
    expect(await registry.list()).toEqual([]);
  });

  test("is looked at by the jobs, and is nowhere to be seen until they are done", async () => {
    let answer = (_problems: readonly string[]): void => {};
    const jobs = {
      ...inlineJobs,
      verify: vi.fn(() => new Promise<readonly string[]>((resolve) => (answer = resolve))),
    };
    const { registry, directory } = openRegistry({}, { jobs });
    const importing = registry.import("acme", chunksOf(small()));
    await vi.waitFor(() => expect(jobs.verify).toHaveBeenCalledOnce());
    expect(await registry.list()).toEqual([]);
    expect(() => registry.acquire("acme", false)).toThrow(
      expect.objectContaining({ code: "no-such-database" }),
    );
    // Somebody takes the name meanwhile.
    registry.acquire("acme", true).release();
    answer([]);
    await expect(importing).rejects.toMatchObject({ code: "database-exists" });
    expect(leftovers(directory)).toEqual([]);
  });
});
