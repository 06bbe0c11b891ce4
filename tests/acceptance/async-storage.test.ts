import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  applyChanges,
  type Coroutine,
  closeReplica,
  combinePorts,
  openReplica,
  pushChanges,
  runAsync,
  waitChanges,
} from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { describeIoOperations } from "@tributary/testkit";
import { expect, test } from "vitest";
import { createAsyncStorage } from "../../examples/async-storage.js";
import { nodeClock } from "../../packages/replica/src/node-clock.js";
import { configOf } from "../support/engine.js";
import { startTributary } from "../support/remotes.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

describeIoOperations(
  "the example of docs/WRITING_AN_ADAPTER.md",
  () => ({ files: createAsyncStorage(), directory: temporaryDirectory() }),
  { onDisk: true },
);

test("a replica on the example syncs, and is there when opened again", async () => {
  const remote = await startTributary();
  await remote.query("CREATE TABLE notes (id INTEGER PRIMARY KEY, body)");
  await remote.query("INSERT INTO notes VALUES (1, 'remote')");
  const path = join(temporaryDirectory(), "replica.db");
  for (const round of [2, 3]) {
    const sql = createBetterSqlite3();
    const protocol = createHttpProtocol({ url: remote.url });
    const ports = combinePorts({ files: createAsyncStorage(), sql, remote: protocol, clock: nodeClock });
    const run = <T>(procedure: Coroutine<T>): Promise<T> => runAsync(procedure, ports);
    const session = await run(openReplica(configOf(path)));
    sql.db.exec(`INSERT INTO notes VALUES (${round}, 'local')`);
    await run(pushChanges(session));
    await remote.query(`INSERT INTO notes VALUES (${round * 10}, 'meanwhile')`);
    const changes = await run(waitChanges(session));
    expect(changes).toBeDefined();
    if (changes !== undefined) await run(applyChanges(session, changes));
    const ids = sql.db.prepare("SELECT id FROM notes ORDER BY id").pluck().all();
    expect(ids).toEqual((await remote.query("SELECT id FROM notes ORDER BY id")).map(([id]) => Number(id)));
    await run(closeReplica(session));
    await protocol.close();
  }
});

test("the guide quotes the example as it is", () => {
  const root = new URL("../../", import.meta.url);
  const example = readFileSync(new URL("examples/async-storage.ts", root), "utf8");
  const guide = readFileSync(new URL("docs/WRITING_AN_ADAPTER.md", root), "utf8");
  const quoted = [...guide.matchAll(/```ts\n\/\/ examples\/async-storage\.ts\n([^`]+)```/g)];
  expect(quoted.length).toBeGreaterThan(1);
  for (const [, part] of quoted) {
    for (const piece of (part ?? "").split(/^ *\/\/ …\n/m)) expect(example).toContain(piece);
  }
});
