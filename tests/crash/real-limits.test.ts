import { execFile } from "node:child_process";
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type Coroutine, checkpoint, closeReplica, pushChanges } from "@tributary/core";
import { expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { openEngine } from "../support/engine.js";
import { type Remote, startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { pull } from "./support/crash-replica.js";

const ENTRY = pathToFileURL(join(import.meta.dirname, "../../packages/replica/dist/index.js")).href;
const CHILD = join(import.meta.dirname, "support/limited-child.mjs");

interface Outcome {
  readonly committed: number;
  readonly failures: readonly string[];
  readonly integrity: string;
  readonly rows: number;
}

/** Runs the child in a process that may not write beyond that size to any file, in blocks of 512 bytes. */
async function runLimited(blocks: number, path: string, url: string): Promise<Outcome> {
  const script = `ulimit -f ${blocks}; exec "$0" "$@"`;
  const run = promisify(execFile);
  const { stdout } = await run("sh", ["-c", script, process.execPath, CHILD, ENTRY, path, url]);
  return JSON.parse(stdout) as Outcome;
}

async function startNotes(): Promise<Remote> {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
  await remote.query("INSERT INTO notes VALUES (1, 'one')");
  return remote;
}

test.each([400, 2_400])(
  "where no file can grow beyond %i blocks, every committed row stays and is pushed once there is room",
  { timeout: 60_000 },
  async (blocks) => {
    const remote = await startNotes();
    const path = join(temporaryDirectory(), "replica.db");
    const before = await openEngine(path, remote.url);
    await before.run(closeReplica(before.session));
    await remote.query(
      "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 59) INSERT INTO notes SELECT i, hex(zeroblob(9000)) FROM n",
    );
    const { committed, failures, integrity, rows } = await runLimited(blocks, path, remote.url);
    expect(failures.length).toBeGreaterThan(0);
    expect(integrity).toBe("ok");
    expect(rows).toBe(committed);
    const engine = await openEngine(path, remote.url);
    await engine.run(pushChanges(engine.session));
    await engine.run(pull(engine.session));
    const count = engine.db.prepare("SELECT count(*) FROM notes WHERE id >= 1000").pluck().get();
    expect(count).toBe(committed);
    expect(await remote.query("SELECT count(*) FROM notes")).toEqual([[BigInt(committed + 59)]]);
    expect(contentsOf(engine.db).notes).toHaveLength(committed + 59);
    expect(engine.db.pragma("integrity_check", { simple: true })).toBe("ok");
    await engine.run(closeReplica(engine.session));
  },
);

/** More pages than a pull keeps in memory. */
const MANY_PAGES =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100) INSERT INTO many SELECT zeroblob(4000) FROM n";

test.each(["-replay", "-revert", "-changes"])(
  "where %s cannot be written because a directory has its name, nothing is lost and the process goes on",
  async (suffix) => {
    const remote = await startNotes();
    const path = join(temporaryDirectory(), "replica.db");
    const engine = await openEngine(path, remote.url);
    engine.db.exec("INSERT INTO notes VALUES (1000, 'local'); UPDATE notes SET body = 'ONE' WHERE id = 1");
    await remote.query("INSERT INTO notes VALUES (2, 'remote')");
    await remote.query("CREATE TABLE many (body)");
    await remote.query(MANY_PAGES);
    mkdirSync(path + suffix);
    const blocked: Coroutine<unknown> =
      suffix === "-revert" ? checkpoint(engine.session) : pull(engine.session);
    await expect(engine.run(blocked)).rejects.toMatchObject({ code: "io-failed" });
    rmdirSync(path + suffix);
    await engine.run(pull(engine.session));
    await engine.run(pushChanges(engine.session));
    expect(contentsOf(engine.db).notes).toEqual([
      "integer:1, text:'ONE'",
      "integer:1000, text:'local'",
      "integer:2, text:'remote'",
    ]);
    await engine.run(closeReplica(engine.session));
  },
);

test("a replica cannot be made where nothing can be written, and is told so", async () => {
  const remote = await startNotes();
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, "");
  const places = [file, ...(process.platform === "linux" ? ["/proc/self"] : [])];
  for (const place of places) {
    const opening = openEngine(join(place, "replica.db"), remote.url);
    await expect(opening).rejects.toMatchObject({ code: "io-failed", blame: "host" });
  }
});
