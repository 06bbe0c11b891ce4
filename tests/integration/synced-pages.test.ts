import { join } from "node:path";
import { applyChanges, checkpoint, closeReplica, PAGE_SIZE, pushChanges, waitChanges } from "@tributary/core";
import { createRandom, type SeededRandom } from "@tributary/testkit";
import { expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { type Engine, openEngine } from "../support/engine.js";
import { type Remote, startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** What the server says its pages are at a revision. */
async function pagesOfServer({ ports }: Engine, serverRevision: string): Promise<Map<number, Uint8Array>> {
  const { pull } = await ports.startPull({ serverRevision, longPollTimeoutMs: 0 });
  const pages = new Map<number, Uint8Array>();
  for (
    let batch = await ports.receivePages(pull);
    batch !== undefined;
    batch = await ports.receivePages(pull)
  ) {
    for (const [index, id] of batch.pageIds.entries()) {
      pages.set(id + 1, batch.bytes.slice(index * PAGE_SIZE, (index + 1) * PAGE_SIZE));
    }
  }
  await ports.endPull(pull);
  return pages;
}

async function expectSyncedPagesEqual(engine: Engine): Promise<void> {
  const { session } = engine;
  const expected = await pagesOfServer(engine, session.metadata.revision as string);
  expect(session.pages.synced.databaseSize).toBe(expected.size);
  for (const [number, page] of expected) {
    const synced = await engine.run(session.pages.readSynced(number));
    if (!Buffer.from(synced).equals(page)) throw new Error(`The synced image of page ${number} differs.`);
  }
}

type Random = SeededRandom;

/** The rows of `t` as this replica should have them. */
type Model = Map<number, string>;

function writeLocally(engine: Engine, random: Random, model: Model, ids: () => number): void {
  engine.db.transaction(() => {
    for (let count = 1 + random.below(20); count > 0; count--) {
      const known = [...model.keys()];
      const body = `local ${random.below(1_000_000)} ${"x".repeat(random.below(600))}`;
      if (known.length === 0 || random.next() < 0.4) {
        const id = ids();
        engine.db.prepare("INSERT INTO t VALUES (?, ?)").run(id, body);
        model.set(id, body);
      } else if (random.next() < 0.7) {
        const id = random.pick(known);
        engine.db.prepare("UPDATE t SET body = ? WHERE id = ?").run(body, id);
        model.set(id, body);
      } else {
        const id = random.pick(known);
        engine.db.prepare("DELETE FROM t WHERE id = ?").run(id);
        model.delete(id);
      }
    }
  })();
}

async function writeRemotely(
  remote: Remote,
  random: Random,
  ids: () => number,
  remoteRows: Model,
): Promise<void> {
  for (let count = random.below(5); count > 0; count--) {
    const id = ids();
    const body = `remote ${id} ${"y".repeat(random.below(600))}`;
    await remote.query("INSERT INTO t VALUES (?, ?)", [id, body]);
    remoteRows.set(id, body);
  }
}

test.each([1, 2, 3, 4])(
  "the synced pages stay the server's, and the database the model's (seed %i)",
  async (seed) => {
    const random = createRandom(seed);
    const remote = await startTributary();
    await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
    await remote.query("CREATE INDEX by_body ON t (body)");
    const path = join(temporaryDirectory(), "replica.db");
    let engine = await openEngine(path, remote.url);
    // What one replica writes and what is written remotely never meet in a row, so the model needs no merging.
    let lastId = 0;
    const ids = (): number => ++lastId;
    const model: Model = new Map();
    const arriving: Model = new Map();

    for (let step = 0; step < 40; step++) {
      const choice = random.next();
      if (choice < 0.45) writeLocally(engine, random, model, ids);
      else if (choice < 0.6) await writeRemotely(remote, random, ids, arriving);
      else if (choice < 0.8) {
        const changes = await engine.run(waitChanges(engine.session));
        if (changes !== undefined) {
          await engine.run(applyChanges(engine.session, changes));
          await engine.run(changes.dispose());
          for (const [id, body] of arriving) model.set(id, body);
          arriving.clear();
        }
      } else if (choice < 0.87) await engine.run(pushChanges(engine.session));
      else if (choice < 0.94) await engine.run(checkpoint(engine.session));
      else {
        await engine.run(closeReplica(engine.session));
        engine = await openEngine(path, remote.url);
      }
      await expectSyncedPagesEqual(engine);
      const expected = [...model]
        .map(([id, body]) => ({ id, body }))
        .sort((left, right) => left.id - right.id);
      expect(engine.db.prepare("SELECT id, body FROM t ORDER BY id").all()).toEqual(expected);
    }
    expect(engine.db.pragma("integrity_check", { simple: true })).toBe("ok");
    await engine.run(pushChanges(engine.session));
    const before = contentsOf(engine.db);
    await engine.run(closeReplica(engine.session));
    const server = await remote.query("SELECT count(*) FROM t");
    expect(Number(server[0]?.[0])).toBe((before.t as string[]).length + arriving.size);
  },
);
