import { join } from "node:path";
import {
  applyChanges,
  checkpoint,
  closeReplica,
  pushChanges,
  resumeApply,
  runAsync,
  SyncError,
  stats,
  waitChanges,
} from "@tributary/core";
import { describe, expect, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { type Engine, openEngine } from "../support/engine.js";
import { failingPorts } from "../support/failing-ports.js";
import { startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** What the replica holds once it has its own rows and the remote's. */
const MERGED = {
  mine: ["integer:1, text:'local'"],
  notes: ["integer:1, text:'ONE, locally', integer:9", "integer:100, text:'local', integer:0"],
};

async function prepare(): Promise<Engine> {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, stars INTEGER)");
  await remote.query("INSERT INTO notes VALUES (1, 'one', 0), (2, 'two', 0)");
  const engine = await openEngine(join(temporaryDirectory(), "replica.db"), remote.url);
  engine.db.exec(
    "UPDATE notes SET body = 'ONE, locally' WHERE id = 1; INSERT INTO notes VALUES (100, 'local', 0)",
  );
  engine.db.exec(
    "CREATE TABLE mine (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO mine VALUES (1, 'local')",
  );
  await remote.query("UPDATE notes SET stars = 9");
  await remote.query("DELETE FROM notes WHERE id = 2");
  return engine;
}

async function pull(engine: Engine): Promise<void> {
  await engine.run(resumeApply(engine.session));
  const changes = await engine.run(waitChanges(engine.session));
  if (changes === undefined) return;
  await engine.run(applyChanges(engine.session, changes));
  await engine.run(changes.dispose());
}

/** One request fails, or all from it on: a hiccup, or a disk that is gone until the operation has given up. */
describe.each([1, Number.POSITIVE_INFINITY])("with %d failing requests in a row", (howMany) => {
  test("an apply in which any request fails loses nothing, and the same process goes on", {
    timeout: 180_000,
  }, async () => {
    for (let request = 1; ; request++) {
      const engine = await prepare();
      const failing = failingPorts(engine.ports);
      const changes = await engine.run(waitChanges(engine.session));
      if (changes === undefined) throw new Error("Nothing came.");
      failing.arm(request, howMany);
      const outcome = await runAsync(applyChanges(engine.session, changes), failing.ports).catch(
        (error: unknown) => error,
      );
      const reached = failing.count;
      failing.disarm();
      if (outcome !== true) expect(outcome, `request ${request}`).toBeInstanceOf(SyncError);
      await engine.run(changes.dispose());

      // Whatever operation comes next finds or makes everything well.
      const { pendingChanges } = await engine.run(stats(engine.session));
      expect(pendingChanges, `request ${request}`).toBe(4);
      expect(engine.db.prepare("SELECT body FROM notes WHERE id = 100").pluck().get()).toBe("local");
      await pull(engine);
      expect(contentsOf(engine.db), `request ${request}`).toEqual(MERGED);
      engine.db.exec("INSERT INTO mine VALUES (2, 'later')");
      await engine.run(pushChanges(engine.session));
      await pull(engine);
      await engine.run(checkpoint(engine.session));
      expect(contentsOf(engine.db).mine).toHaveLength(2);
      expect(engine.db.pragma("integrity_check", { simple: true })).toBe("ok");
      await engine.run(closeReplica(engine.session));
      if (reached < request) break;
    }
  });
});
