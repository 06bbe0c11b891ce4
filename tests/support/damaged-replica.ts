import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { applyChanges, type Coroutine, closeReplica, waitChanges } from "@tributary/core";
import { openReplica, type ReplicaOptions } from "@tributary/replica";
import { contentsOf } from "./contents.js";
import { openEngine } from "./engine.js";
import { type Remote, startTributary } from "./remotes.js";
import type { Replica } from "./replicas.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** A closed replica with pushed and unpushed changes, to be damaged in copies. */
export interface Specimen {
  readonly remote: Remote;
  /** Copies the replica's files into a directory of their own; the path of the copy's database. */
  copy(): string;
  /** What a replica must hold as long as it has not pulled, and when it has synced. */
  readonly local: Record<string, string[]>;
}

/**
 * Makes a replica with rows that everybody has, rows it has pushed, and unpushed changes of every kind; revert pages are
 * saved. `killed`: its files are those of a process that died while it was open. `interrupted`: of one that died in an
 * apply, when the remote's pages were published and the local changes were in the journal only.
 */
export async function makeSpecimen({ killed = false, interrupted = false } = {}): Promise<Specimen> {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, stars INTEGER)");
  await remote.query("CREATE TABLE log (line TEXT)");
  const rows = Array.from({ length: 200 }, (_, index) => `(${index + 1}, 'note ${index + 1}', 0)`);
  await remote.query(`INSERT INTO notes VALUES ${rows.join(", ")}`);
  const path = join(temporaryDirectory(), "app.db");
  const replica = await openReplica({ path, url: remote.url });
  replica.db.exec("UPDATE notes SET body = 'pushed' WHERE id = 1; INSERT INTO log VALUES ('pushed')");
  await replica.push();
  replica.db.exec("UPDATE notes SET body = 'mine' WHERE id = 2; DELETE FROM notes WHERE id = 3");
  await replica.checkpoint();
  replica.db.exec("INSERT INTO log VALUES ('mine'); CREATE TABLE own (a, b)");
  replica.db.exec("INSERT INTO own VALUES (1, x'00ff'); INSERT INTO notes VALUES (900, 'new', 5)");
  const local = contentsOf(replica.db);
  const kept = join(temporaryDirectory(), "kept");
  if (!killed) await replica.close();
  if (interrupted) await interruptApply(path, remote.url, () => copyDirectory(dirname(path), kept));
  else copyDirectory(dirname(path), kept);
  if (killed) await replica.close();
  return {
    remote,
    local,
    copy() {
      const directory = join(temporaryDirectory(), "copy");
      copyDirectory(kept, directory);
      return join(directory, "app.db");
    },
  };
}

/** With time stamps to the nanosecond, which `cpSync` cuts off: a replica looks whether its file is the one it left. */
function copyDirectory(from: string, to: string): void {
  execFileSync("cp", ["-a", from, to]);
}

/** Opens a replica, gives it to `use`, and closes it. */
export async function withReplica<T>(
  options: ReplicaOptions,
  use: (replica: Replica) => T | Promise<T>,
): Promise<T> {
  const replica = await openReplica(options);
  try {
    return await use(replica);
  } finally {
    await replica.close();
  }
}

/** Begins to apply what the remote has, and lets `look` see the files when it is published and not replayed yet. */
async function interruptApply(path: string, url: string, look: () => void): Promise<void> {
  const engine = await openEngine(path, url);
  const changes = await engine.run(waitChanges(engine.session));
  if (changes === undefined) throw new Error("Nothing came.");
  let begun = 0;
  function* watched(apply: Coroutine<boolean>): Coroutine<boolean> {
    let step = apply.next();
    while (!step.done) {
      // The first asks whether all was pushed, the second is for the publish, the third for the replay.
      if (step.value.method === "tryBeginWrite" && ++begun === 3) look();
      step = apply.next(yield step.value);
    }
    return step.value;
  }
  await engine.run(watched(applyChanges(engine.session, changes)));
  await engine.run(changes.dispose());
  await engine.run(closeReplica(engine.session));
}
