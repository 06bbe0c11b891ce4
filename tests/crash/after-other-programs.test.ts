import { cpSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  applyChanges,
  checkpoint,
  closeReplica,
  pushChanges,
  type ReplicaPages,
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

async function pull(engine: Engine): Promise<void> {
  const changes = await engine.run(waitChanges(engine.session));
  if (changes === undefined) return;
  await engine.run(applyChanges(engine.session, changes));
  await engine.run(changes.dispose());
}

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

// The database file is not as the replica left it, so what it knew of the synced pages is not to be trusted.
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
    expect(again.session.metadata.revision).toBeUndefined();
    await pull(again);
    expect(contentsOf(again.db)).toEqual(MERGED);
    expect(again.db.pragma("integrity_check", { simple: true })).toBe("ok");
    await again.run(closeReplica(again.session));
    await engine.run(closeReplica(engine.session));
  },
);
