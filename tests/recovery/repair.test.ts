import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { repairReplica, type Transform } from "@tributary/replica";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { contentsOf, contentsOfFile, integrityOfFile } from "../support/contents.js";
import { makeSpecimen, type Specimen, withReplica } from "../support/damaged-replica.js";
import { startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const PAGE = 4096;

function overwritePages(path: string, ...pages: number[]): void {
  const file = openSync(path, "r+");
  for (const page of pages) writeSync(file, Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE);
  closeSync(file);
}

function query<T>(path: string, sql: string): T[] {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare(sql).pluck().all() as T[];
  } finally {
    db.close();
  }
}

const rootOf = (path: string, table: string): number =>
  query<number>(path, `SELECT rootpage FROM sqlite_schema WHERE name = '${table}'`)[0] as number;

/** The files that were kept, by suffix. */
function kept(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => name.includes("-damaged-"));
  return names.map((name) => name.replace(/^app\.db-damaged-[0-9]+/, "")).sort();
}

/** The bytes of every file of a replica, but for its lock. */
function filesOf(path: string): Map<string, Buffer> {
  const names = readdirSync(dirname(path)).filter((name) => !/-(lock|shm|wal|salvage|changes)$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(dirname(path), name))]));
}

async function expectSynced({ remote, local }: Specimen, path: string): Promise<void> {
  await withReplica({ path, url: remote.url }, async (replica) => {
    await replica.sync();
    expect(contentsOf(replica.db)).toEqual(local);
    expect((await replica.stats()).pendingChanges).toBe(0);
  });
  expect(contentsOfFile(remote.file)).toEqual(local);
  expect(integrityOfFile(path)).toBe("ok");
}

test("opening repairs a damaged database: every change is there, and the damaged files are kept", async () => {
  const specimen = await makeSpecimen();
  const path = specimen.copy();
  overwritePages(path, rootOf(path, "notes"));
  const damaged = readFileSync(path);
  const phases = new Set<string>();
  await withReplica(
    { path, url: specimen.remote.url, onProgress: ({ phase }) => phases.add(phase) },
    async (replica) => {
      expect(contentsOf(replica.db)).toEqual(specimen.local);
      expect(replica.repair).toMatchObject({ unreadable: undefined, clientId: replica.clientId });
      expect(replica.recovered.map(({ code }) => code)).toEqual(["damaged-file"]);
      expect((await replica.stats()).pendingChanges).toBe(replica.repair?.changes);
      expect(readFileSync(replica.repair?.keptAs as string).equals(damaged)).toBe(true);
    },
  );
  expect([...phases].sort()).toEqual(["bootstrap", "salvage"]);
  expect(kept(path)).toEqual(expect.arrayContaining(["", "-info", "-revert"]));
  await expectSynced(specimen, path);
});

test("without a remote a damaged replica is not opened, and not touched", async () => {
  const specimen = await makeSpecimen();
  const path = specimen.copy();
  overwritePages(path, rootOf(path, "notes"));
  const before = filesOf(path);
  const paused = withReplica({ path, url: null }, () => {});
  await expect(paused).rejects.toMatchObject({ code: "damaged-file", cause: { code: "paused" } });
  const unwanted = withReplica({ path, url: specimen.remote.url, repair: false }, () => {});
  await expect(unwanted).rejects.toMatchObject({ code: "damaged-file" });
  const after = filesOf(path);
  after.delete("app.db-info");
  before.delete("app.db-info");
  expect(after).toEqual(before);
  await expectSynced(specimen, path);
});

test("a sound replica can be repaired too, and goes on under its name", async () => {
  const specimen = await makeSpecimen({ killed: true });
  const path = specimen.copy();
  const report = await repairReplica({ path, url: specimen.remote.url });
  expect(report.unreadable).toBeUndefined();
  await withReplica({ path, url: specimen.remote.url }, (replica) => {
    expect(replica.clientId).toBe(report.clientId);
    expect(replica.recovered).toEqual([]);
    expect(contentsOf(replica.db)).toEqual(specimen.local);
  });
  await expectSynced(specimen, path);
});

test("local changes that cannot be read stop a repair, unless their loss is accepted", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE log (line TEXT)");
  const path = join(temporaryDirectory(), "app.db");
  const options = { path, url: remote.url };
  await withReplica(options, ({ db }) => {
    const insert = db.prepare("INSERT INTO log VALUES (?)");
    db.transaction(() => {
      for (let line = 0; line < 2_000; line++) insert.run(`line ${line}`);
    })();
  });
  const leaves = query<number>(
    path,
    "SELECT pageno FROM dbstat WHERE name = 'tributary_tape' AND pagetype = 'leaf' ORDER BY path",
  );
  const perLeaf = query<number>(
    path,
    "SELECT ncell FROM dbstat WHERE name = 'tributary_tape' AND pagetype = 'leaf' ORDER BY path",
  );
  expect(leaves.length).toBeGreaterThan(5);
  overwritePages(path, leaves[3] as number);
  await expect(withReplica(options, () => {})).rejects.toMatchObject({ code: "damaged-file" });
  await expect(repairReplica(options)).rejects.toMatchObject({
    code: "damaged-file",
    message: expect.stringContaining("acceptLoss"),
  });
  const report = await repairReplica({ ...options, acceptLoss: true });
  expect(report.unreadable).toMatchObject({ code: "sql-failed" });
  expect(report.changes).toBe(2_000 - (perLeaf[3] as number));
  await withReplica(options, async (replica) => void (await replica.push()));
  expect(await remote.query("SELECT count(*) FROM log")).toEqual([[BigInt(report.changes)]]);
});

test("a repair that cannot repeat the local changes touches nothing, and can be let skip them", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)");
  const path = join(temporaryDirectory(), "app.db");
  const options = { path, url: remote.url };
  await withReplica(options, ({ db }) => db.exec("INSERT INTO users VALUES (5, 'taken'), (6, 'free')"));
  await remote.query("INSERT INTO users VALUES (1, 'taken')");
  const before = filesOf(path);
  await expect(repairReplica(options)).rejects.toMatchObject({ code: "replay-conflict" });
  for (const [name, bytes] of before) expect(filesOf(path).get(name)?.equals(bytes)).toBe(true);
  const transform: Transform = (mutations) =>
    mutations.map(({ after }) => ({ operation: after?.email === "taken" ? "skip" : "keep" }));
  expect((await repairReplica({ ...options, transform })).changes).toBe(1);
  await withReplica(options, async (replica) => {
    await replica.sync();
    expect(contentsOf(replica.db).users).toEqual(["integer:1, text:'taken'", "integer:6, text:'free'"]);
  });
});

test("an older copy that was put back is refused, and a repair makes it a client of its own", async () => {
  const specimen = await makeSpecimen();
  const { remote } = specimen;
  const path = specimen.copy();
  const older = join(temporaryDirectory(), "older");
  execFileSync("cp", ["-a", dirname(path), older]);
  await withReplica({ path, url: remote.url }, async (replica) => {
    await replica.sync();
    replica.db.exec("INSERT INTO log VALUES ('later')");
    await replica.sync();
  });
  const put = join(older, "app.db");
  await withReplica({ path: put, url: remote.url }, async (replica) => {
    replica.db.exec("INSERT INTO log VALUES ('on the copy')");
    await expect(replica.push()).rejects.toMatchObject({ code: "pull-generation-ahead" });
    await expect(replica.pull()).rejects.toMatchObject({ code: "pull-generation-ahead" });
  });
  const { clientId } = await repairReplica({ path: put, url: remote.url });
  await withReplica({ path: put, url: remote.url }, async (replica) => {
    expect(replica.clientId).toBe(clientId);
    await replica.sync();
    expect(contentsOf(replica.db)).toEqual(contentsOfFile(remote.file));
  });
  const lines = await remote.query("SELECT line FROM log ORDER BY line");
  expect(lines).toContainEqual(["on the copy"]);
  expect(lines).toContainEqual(["later"]);
});

test("a copy that pushes is noticed by a replica that has nothing of its own, and nothing passes for pushed", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)");
  await remote.query("INSERT INTO notes VALUES (1, 'theirs')");
  const path = join(temporaryDirectory(), "app.db");
  const copied = join(temporaryDirectory(), "copy");
  await withReplica({ path, url: remote.url }, async (replica) => {
    replica.db.exec("INSERT INTO notes VALUES (2, 'pushed')");
    await replica.sync();
  });
  execFileSync("cp", ["-a", dirname(path), copied]);
  await remote.query("UPDATE notes SET body = 'THEIRS' WHERE id = 1");
  await withReplica({ path, url: remote.url }, async (replica) => {
    await replica.pull();
    await withReplica({ path: join(copied, "app.db"), url: remote.url }, async (copy) => {
      await copy.pull();
      copy.db.exec("UPDATE notes SET body = 'copied' WHERE id = 1");
      await copy.push();
    });
    await expect(replica.pull()).rejects.toMatchObject({ code: "pull-generation-ahead" });
    replica.db.exec("UPDATE notes SET body = 'mine' WHERE id = 2");
    await expect(replica.push()).rejects.toMatchObject({ code: "pull-generation-ahead" });
  });
  await repairReplica({ path, url: remote.url });
  await withReplica({ path, url: remote.url }, (replica) => replica.sync());
  expect(await remote.query("SELECT body FROM notes")).toEqual([["copied"], ["mine"]]);
});

test("a repair sends nothing again that was pushed, where the end of the tape is lost", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY)");
  await remote.query("CREATE TABLE log (line TEXT)");
  const path = join(temporaryDirectory(), "app.db");
  const copy = join(temporaryDirectory(), "copy.db");
  await withReplica({ path, url: remote.url }, async (replica) => {
    replica.db.exec("INSERT INTO log VALUES ('a')");
    await replica.checkpoint();
    replica.db.exec("INSERT INTO log VALUES ('b')");
    await replica.push();
    for (const suffix of ["", "-info", "-revert"]) execFileSync("cp", ["-a", path + suffix, copy + suffix]);
  });
  overwritePages(copy, rootOf(copy, "notes"));
  await withReplica({ path: copy, url: remote.url }, (replica) => replica.sync());
  expect(await remote.query("SELECT line FROM log ORDER BY line")).toEqual([["a"], ["b"]]);
});

test("what is no replica is not repaired", async () => {
  const remote = await startTributary();
  const path = join(temporaryDirectory(), "app.db");
  await expect(repairReplica({ path, url: remote.url })).rejects.toMatchObject({ code: "not-a-replica" });
  const db = new Database(path);
  db.exec("CREATE TABLE t (a)");
  db.close();
  await expect(repairReplica({ path, url: remote.url })).rejects.toMatchObject({ code: "not-a-replica" });
  truncateSync(path, 100);
  await expect(repairReplica({ path, url: remote.url })).rejects.toMatchObject({ code: "not-a-replica" });
  expect(existsSync(`${path}-info`)).toBe(false);
});

test("an open replica is not repaired", async () => {
  const specimen = await makeSpecimen();
  const path = specimen.copy();
  await withReplica({ path, url: null }, async () => {
    const repair = repairReplica({ path, url: specimen.remote.url });
    await expect(repair).rejects.toMatchObject({ code: "replica-in-use" });
  });
});

test.each([
  ["gone", (path: string) => rmSync(path)],
  ["junk", (path: string) => overwritePages(path, 1, 2, 3)],
])(
  "with the database %s in the middle of an apply, the changes come from the journal",
  async (_what, damage) => {
    const specimen = await makeSpecimen({ interrupted: true });
    const path = specimen.copy();
    expect(readFileSync(`${path}-replay`).length).toBeGreaterThan(0);
    rmSync(`${path}-wal`);
    damage(path);
    await withReplica({ path, url: specimen.remote.url }, (replica) => {
      expect(contentsOf(replica.db)).toEqual(specimen.local);
      expect(replica.repair?.changes).toBeGreaterThan(0);
    });
    expect(kept(path)).toContain("-replay");
    await expectSynced(specimen, path);
  },
);

test.each([
  ["a bit of its head is flipped", 40],
  ["a bit of a row is flipped", -30],
  ["its end is missing", undefined],
])("a journal that is the only copy of local changes is never dropped: %s", async (_what, offset) => {
  const specimen = await makeSpecimen({ interrupted: true });
  const path = specimen.copy();
  const journal = readFileSync(`${path}-replay`);
  const damaged = Buffer.from(offset === undefined ? journal.subarray(0, -8) : journal);
  if (offset !== undefined) {
    const at = offset < 0 ? damaged.length + offset : offset;
    damaged[at] = (damaged[at] as number) ^ 0x10;
  }
  writeFileSync(`${path}-replay`, damaged);
  const options = { path, url: specimen.remote.url };
  await expect(withReplica(options, () => {})).rejects.toMatchObject({ code: "damaged-file" });
  expect(readFileSync(`${path}-replay`).equals(damaged)).toBe(true);
  const lossy = specimen.copy();
  writeFileSync(`${lossy}-replay`, damaged);
  const report = await repairReplica({ ...options, path: lossy, acceptLoss: true });
  expect(report.unreadable).toMatchObject({ code: "damaged-file" });
  expect(kept(lossy)).toContain("-replay");
  writeFileSync(`${path}-replay`, journal);
  await expectSynced(specimen, path);
});
