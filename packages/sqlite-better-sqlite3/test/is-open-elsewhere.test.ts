import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../../../tests/support/temporary-directory.js";
import { isOpenElsewhere } from "../src/is-open-elsewhere.js";

/** A database in WAL mode. */
function makeDatabase(name: string): string {
  const path = join(temporaryDirectory(), name);
  const db = new Database(path);
  db.pragma("journal_mode = wal");
  db.exec("CREATE TABLE t (a)");
  db.close();
  return path;
}

test("a database that is not there, or that nobody has open, is not open", () => {
  expect(isOpenElsewhere(join(temporaryDirectory(), "none.db"))).toBe(false);
  expect(isOpenElsewhere(makeDatabase("closed.db"))).toBe(false);
});

test("a connection of this process is seen, and one to another database is not", () => {
  const path = makeDatabase("open.db");
  const other = makeDatabase("other.db");
  const db = new Database(path, { readonly: true });
  db.prepare("SELECT * FROM t").all();
  expect(isOpenElsewhere(path)).toBe(true);
  expect(isOpenElsewhere(other)).toBe(false);
  db.close();
  expect(isOpenElsewhere(path)).toBe(false);
});

test("a connection of another process is seen, until that process ends", async () => {
  const path = makeDatabase("open.db");
  const sqlite = createRequire(import.meta.url).resolve("better-sqlite3");
  const script = `const db = require(${JSON.stringify(sqlite)})(${JSON.stringify(path)});
    db.prepare("SELECT * FROM t").all(); process.stdout.write("open"); process.stdin.resume();`;
  const child = spawn(process.execPath, ["-e", script]);
  onTestFinished(() => void child.kill());
  await once(child.stdout, "data");
  expect(isOpenElsewhere(path)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "close");
  expect(isOpenElsewhere(path)).toBe(false);
});
