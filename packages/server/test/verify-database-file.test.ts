import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { verifyDatabaseFile } from "../src/index.js";

function databaseFile(sql: string): { readonly directory: string; readonly path: string } {
  const directory = mkdtempSync(join(tmpdir(), "tributary-verify-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "a.db");
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.exec(sql);
  database.close();
  return { directory, path };
}

test("a database in WAL mode is in order, and is left without a trace", () => {
  const { directory, path } = databaseFile("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  const before = readFileSync(path);
  const { mtimeMs } = statSync(path);
  expect(verifyDatabaseFile(path)).toEqual([]);
  expect(readdirSync(directory)).toEqual(["a.db"]);
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(statSync(path).mtimeMs).toBe(mtimeMs);
});

test("the log of a database in use is read, and stays", () => {
  const { directory, path } = databaseFile(
    "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p)",
  );
  const writer = new Database(path);
  onTestFinished(() => void writer.close());
  writer.pragma("foreign_keys = OFF");
  writer.pragma("wal_autocheckpoint = 0");
  writer.exec("INSERT INTO c VALUES (5)");
  const { size } = statSync(`${path}-wal`);
  expect(verifyDatabaseFile(path)).toEqual([expect.stringContaining("1 rows of c")]);
  expect(statSync(`${path}-wal`).size).toBe(size);
  expect(readdirSync(directory).sort()).toEqual(["a.db", "a.db-shm", "a.db-wal"]);
});

test("damage is told", () => {
  const { path } = databaseFile(
    "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) INSERT INTO t SELECT i FROM n",
  );
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 4096 * 3, 4096 * 4);
  writeFileSync(path, bytes);
  expect(verifyDatabaseFile(path).length).toBeGreaterThan(0);
});

test("an empty file is an empty database", () => {
  const { directory, path } = databaseFile("");
  writeFileSync(path, "");
  expect(verifyDatabaseFile(path)).toEqual([]);
  expect(readdirSync(directory)).toEqual(["a.db"]);
});

test("what is no database is refused", () => {
  const { directory, path } = databaseFile("CREATE TABLE t(a)");
  expect(() => verifyDatabaseFile(directory)).toThrow(expect.objectContaining({ code: "cannot-open" }));
  expect(() => verifyDatabaseFile(`${path}.none`)).toThrow(expect.objectContaining({ code: "cannot-open" }));
  for (const text of ["short", "no database ".repeat(1_000)]) {
    writeFileSync(path, text);
    expect(() => verifyDatabaseFile(path)).toThrow(expect.objectContaining({ code: "not-a-database" }));
  }
  expect(readdirSync(directory)).toEqual(["a.db"]);
});

test("a journal that waits to be rolled back is left alone", () => {
  const { directory, path } = databaseFile("CREATE TABLE t(a)");
  const crashed = new Database(path);
  crashed.pragma("journal_mode = DELETE");
  crashed.pragma("cache_size = 1");
  crashed.exec("BEGIN; INSERT INTO t SELECT randomblob(5000); INSERT INTO t SELECT randomblob(500000)");
  const journal = readFileSync(`${path}-journal`);
  const half = readFileSync(path);
  crashed.exec("ROLLBACK");
  crashed.close();
  writeFileSync(path, half);
  writeFileSync(`${path}-journal`, journal);
  expect(() => verifyDatabaseFile(path)).toThrow(
    expect.objectContaining({
      code: "cannot-open",
      message: expect.stringContaining("a program ended while it wrote"),
    }),
  );
  expect(readFileSync(path).equals(half)).toBe(true);
  expect(readFileSync(`${path}-journal`).equals(journal)).toBe(true);
  expect(readdirSync(directory).sort()).toEqual(["a.db", "a.db-journal"]);
});
