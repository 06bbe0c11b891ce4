// A batch that is given up, then a pull, then the batch arrives: applied twice.

import { join } from "node:path";
import {
  applyChanges,
  combinePorts,
  openReplica,
  type ProtocolIo,
  pushChanges,
  type RemoteBatch,
  runSync,
  SyncError,
  waitChanges,
} from "@tributary/core";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import { createMemoryRemote, createRandom, createVirtualClock } from "@tributary/testkit";
import { expect, test } from "vitest";
import { configOf } from "../support/engine.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

test("a batch that was given up and arrives after a pull is not applied a second time", () => {
  const remote = createMemoryRemote();
  remote.query("CREATE TABLE log (line); CREATE TABLE other (a)");
  const port = remote.connect();
  let late: RemoteBatch | undefined;
  let broken = true;
  const network: ProtocolIo = {
    ...port,
    runRemoteBatch(batch) {
      if (!batch.repeatable && broken) {
        late ??= batch;
        throw new SyncError("unreachable", "lost");
      }
      return port.runRemoteBatch(batch);
    },
  };
  const sql = createBetterSqlite3();
  const clock = createVirtualClock(createRandom(1));
  const ports = combinePorts({ files: createNodeStorage(), sql, remote: network, clock });
  const session = runSync(openReplica(configOf(join(temporaryDirectory(), "replica.db"))), ports);
  const pull = () => {
    const changes = runSync(waitChanges(session), ports);
    if (changes === undefined) return;
    runSync(applyChanges(session, changes), ports);
    runSync(changes.dispose(), ports);
  };
  sql.db.exec("INSERT INTO log VALUES ('mine')");
  expect(() => runSync(pushChanges(session), ports)).toThrow("lost");
  remote.query("INSERT INTO other VALUES (1)");
  pull();
  broken = false;
  port.runRemoteBatch(late as RemoteBatch);
  runSync(pushChanges(session), ports);
  pull();
  expect(remote.query("SELECT line FROM log")).toEqual([["mine"]]);
});
