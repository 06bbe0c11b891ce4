import { cpSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  applyChanges,
  type Coroutine,
  checkpoint,
  closeReplica,
  type PulledChanges,
  pushChanges,
  type ReplicaPages,
  runAsync,
  SyncError,
  stats,
  waitChanges,
} from "@tributary/core";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { type Engine, openEngine } from "../support/engine.js";
import { startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** Runs a procedure and copies the directory as it is before each request, as a crash there would leave it. */
async function runWithCrashes<T>(
  engine: Engine,
  procedure: Coroutine<T>,
  directory: string,
): Promise<string[]> {
  const copies: string[] = [];
  function* copying(): Coroutine<T> {
    let step = procedure.next();
    while (!step.done) {
      const copy = join(temporaryRoot, String(copies.length));
      cpSync(directory, copy, { recursive: true });
      copies.push(copy);
      try {
        const answer: unknown = yield step.value;
        step = procedure.next(answer);
      } catch (error) {
        step = procedure.throw(error);
      }
    }
    return step.value;
  }
  const temporaryRoot = temporaryDirectory();
  await runAsync(copying(), engine.ports);
  return copies;
}

/** What the replica holds once it has its own rows and the remote's. */
const MERGED = {
  mine: ["integer:1, text:'local'"],
  notes: [
    "integer:1, text:'ONE, locally', integer:9",
    "integer:100, text:'local', integer:0",
    "integer:2, text:'two', integer:9",
    "integer:7, text:'remote', integer:0",
  ],
};

async function prepare(withCheckpoint = true) {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, stars INTEGER)");
  await remote.query("INSERT INTO notes VALUES (1, 'one', 0), (2, 'two', 0), (3, 'three', 0)");
  const path = join(temporaryDirectory(), "replica.db");
  const engine = await openEngine(path, remote.url);
  engine.db.exec("UPDATE notes SET body = 'ONE, locally' WHERE id = 1; DELETE FROM notes WHERE id = 3");
  if (withCheckpoint) await engine.run(checkpoint(engine.session));
  engine.db.exec(
    "INSERT INTO notes VALUES (100, 'local', 0); CREATE TABLE mine (id INTEGER PRIMARY KEY, body TEXT)",
  );
  engine.db.exec("INSERT INTO mine VALUES (1, 'local')");
  return { remote, path, engine };
}

async function waitFor(engine: Engine): Promise<PulledChanges> {
  const changes = await engine.run(waitChanges(engine.session));
  if (changes === undefined) throw new Error("Nothing came.");
  return changes;
}

async function pull(engine: Engine): Promise<void> {
  const changes = await engine.run(waitChanges(engine.session));
  if (changes === undefined) return;
  await engine.run(applyChanges(engine.session, changes));
  await engine.run(changes.dispose());
}

test("an apply that is stopped anywhere loses nothing, doubles nothing, and is finished or repeated", {
  timeout: 120_000,
}, async () => {
  const { remote, path, engine } = await prepare();
  await remote.query("UPDATE notes SET stars = 9");
  await remote.query("INSERT INTO notes VALUES (7, 'remote', 0)");
  const changes = await waitFor(engine);
  const copies = await runWithCrashes(engine, applyChanges(engine.session, changes), dirname(path));
  expect(copies.length).toBeGreaterThan(40);
  for (const copy of copies) {
    const again = await openEngine(join(copy, "replica.db"), remote.url);
    expect(again.db.pragma("integrity_check", { simple: true })).toBe("ok");
    // Every local row is there from the first moment on.
    expect(again.db.prepare("SELECT body FROM notes WHERE id = 100").pluck().get()).toBe("local");
    expect(again.db.prepare("SELECT body FROM notes WHERE id = 1").pluck().get()).toBe("ONE, locally");
    expect(again.db.prepare("SELECT count(*) FROM notes WHERE id = 3").pluck().get()).toBe(0);
    expect((await again.run(stats(again.session))).pendingChanges).toBe(5);
    await pull(again);
    expect(contentsOf(again.db)).toEqual(MERGED);
    expect((await again.run(stats(again.session))).pendingChanges).toBe(5);
    await again.run(closeReplica(again.session));
  }
  // What came out of them can be pushed and pulled as ever.
  const last = await openEngine(join(copies.at(-1) as string, "replica.db"), remote.url);
  await last.run(pushChanges(last.session));
  await pull(last);
  expect(contentsOf(last.db)).toEqual(MERGED);
  expect(await remote.query("SELECT count(*) FROM notes")).toEqual([[4n]]);
  await last.run(closeReplica(last.session));
  await engine.run(closeReplica(engine.session));
});

test("an apply whose replay fails, stopped anywhere, leaves the replica as it was", {
  timeout: 120_000,
}, async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)");
  const path = join(temporaryDirectory(), "replica.db");
  const engine = await openEngine(path, remote.url);
  engine.db.exec("INSERT INTO users VALUES (5, 'taken')");
  await remote.query("INSERT INTO users VALUES (1, 'taken')");
  const changes = await waitFor(engine);
  let failure: unknown;
  function* failingApply(): Coroutine<void> {
    try {
      yield* applyChanges(engine.session, changes);
    } catch (error) {
      failure = error;
    }
  }
  const copies = await runWithCrashes(engine, failingApply(), dirname(path));
  expect(failure).toMatchObject({ code: "replay-conflict" });
  expect(copies.length).toBeGreaterThan(40);
  for (const copy of copies) {
    const well = await openEngine(join(copy, "replica.db"), remote.url);
    expect(contentsOf(well.db)).toEqual({ users: ["integer:5, text:'taken'"] });
    expect((await well.run(stats(well.session))).pendingChanges).toBe(1);
    well.db.exec("UPDATE users SET email = 'free' WHERE id = 5");
    await pull(well);
    expect(contentsOf(well.db)).toEqual({ users: ["integer:1, text:'taken'", "integer:5, text:'free'"] });
    await well.run(closeReplica(well.session));
  }
  await engine.run(closeReplica(engine.session));
});

test.each(["checkpoint", "close"] as const)(
  "a %s that is stopped anywhere loses nothing",
  { timeout: 120_000 },
  async (what) => {
    const { remote, path, engine } = await prepare();
    const procedure = what === "checkpoint" ? checkpoint(engine.session) : closeReplica(engine.session);
    const copies = await runWithCrashes(engine, procedure, dirname(path));
    await remote.query("UPDATE notes SET stars = 9");
    await remote.query("INSERT INTO notes VALUES (7, 'remote', 0)");
    for (const copy of copies) {
      const again = await openEngine(join(copy, "replica.db"), remote.url);
      await pull(again);
      expect(contentsOf(again.db)).toEqual(MERGED);
      expect(again.db.pragma("integrity_check", { simple: true })).toBe("ok");
      await again.run(closeReplica(again.session));
    }
    if (what === "checkpoint") await engine.run(closeReplica(engine.session));
  },
);

test("after a crash another program checkpoints the log: the next pull downloads all, and nothing is lost", async () => {
  const { remote, path, engine } = await prepare();
  const copy = join(temporaryDirectory(), "crashed");
  cpSync(dirname(path), copy, { recursive: true });
  const crashed = join(copy, "replica.db");
  const other = new Database(crashed);
  other.pragma("wal_checkpoint(TRUNCATE)");
  other.close();
  await remote.query("UPDATE notes SET stars = 9");
  await remote.query("INSERT INTO notes VALUES (7, 'remote', 0)");
  const again = await openEngine(crashed, remote.url);
  expect(again.session.metadata.revision).toBeUndefined();
  expect((await again.run(stats(again.session))).pendingChanges).toBe(5);
  await pull(again);
  expect(contentsOf(again.db)).toEqual(MERGED);
  await again.run(pushChanges(again.session));
  await pull(again);
  expect(contentsOf(again.db)).toEqual(MERGED);
  expect(again.session.metadata.revision).toBeDefined();
  await again.run(closeReplica(again.session));
  await engine.run(closeReplica(engine.session));
});

test.each(["-revert", "-wal"])(
  "without its %s file a replica goes on, and the next pull downloads all",
  async (suffix) => {
    const { remote, path, engine } = await prepare();
    const copy = join(temporaryDirectory(), "damaged");
    cpSync(dirname(path), copy, { recursive: true });
    const damaged = join(copy, "replica.db");
    rmSync(damaged + suffix);
    const again = await openEngine(damaged, remote.url);
    expect(again.db.pragma("integrity_check", { simple: true })).toBe("ok");
    const kept = contentsOf(again.db);
    await remote.query("INSERT INTO notes VALUES (7, 'remote', 0)");
    await pull(again);
    const { notes, ...others } = contentsOf(again.db);
    expect(others).toEqual(Object.fromEntries(Object.entries(kept).filter(([table]) => table !== "notes")));
    expect(notes).toEqual([...(kept.notes as string[]), "integer:7, text:'remote', integer:0"].sort());
    await again.run(closeReplica(again.session));
    await engine.run(closeReplica(engine.session));
  },
);

test("a replica whose synced pages were destroyed while it was open can be closed, and goes on", async () => {
  const { remote, path, engine } = await prepare();
  const pages = new Proxy(engine.session.pages, {
    get: (target, name: keyof ReplicaPages) => {
      const member: unknown = target[name];
      if (name !== "settle") return typeof member === "function" ? member.bind(target) : member;
      return () => {
        throw new SyncError("foreign-writer", "for the test");
      };
    },
  });
  await engine.run(closeReplica({ ...engine.session, pages }));
  await remote.query("UPDATE notes SET stars = 9");
  await remote.query("INSERT INTO notes VALUES (7, 'remote', 0)");
  const again = await openEngine(path, remote.url);
  expect(again.session.metadata.revision).toBeUndefined();
  await pull(again);
  expect(contentsOf(again.db)).toEqual(MERGED);
  await again.run(closeReplica(again.session));
});

// With revert pages the synced images survive that; without, the replica has to notice.
test.each([true, false])(
  "after a crash another program checkpoints and dies, and the log stays (revert pages saved: %s)",
  async (saved) => {
    const { remote, path, engine } = await prepare(saved);
    const crashed = join(temporaryDirectory(), "crashed");
    cpSync(dirname(path), crashed, { recursive: true });
    const other = new Database(join(crashed, "replica.db"));
    other.pragma("wal_checkpoint(PASSIVE)");
    const killed = join(temporaryDirectory(), "killed");
    cpSync(crashed, killed, { recursive: true });
    other.close();
    await remote.query("UPDATE notes SET stars = 9");
    await remote.query("INSERT INTO notes VALUES (7, 'remote', 0)");
    const again = await openEngine(join(killed, "replica.db"), remote.url);
    expect(again.session.metadata.revision === undefined).toBe(!saved);
    await pull(again);
    expect(contentsOf(again.db)).toEqual(MERGED);
    expect(again.db.pragma("integrity_check", { simple: true })).toBe("ok");
    await again.run(closeReplica(again.session));
    await engine.run(closeReplica(engine.session));
  },
);
