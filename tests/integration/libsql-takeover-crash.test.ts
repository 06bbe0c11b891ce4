import { join } from "node:path";
import { openReplica, pushChanges } from "@tributary/core";
import { createScratchSql, isOpenElsewhere } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import { createRandom, fingerprintOf, stopAtEveryRequest } from "@tributary/testkit";
import { expect, test } from "vitest";
import { crashConfig, hostIn, openIn, pull } from "../crash/support/crash-replica.js";
import { ForkableRemote } from "../crash/support/forkable-remote.js";
import { contentsOf, integrityOfFile } from "../support/contents.js";
import { runLibsql, startLibsqlServer } from "../support/libsql-leftovers.js";
import { contentsAfter, PUSHED, run, SCHEMA, UNPUSHED } from "../support/libsql-takeover.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const VARIANTS = ["as they are", "unsynced lost", "unsynced torn"] as const;
const takeover = {
  framesAtRemote: undefined,
  always: false,
  files: createNodeStorage(),
  scratch: () => createScratchSql(),
  isOpenElsewhere,
};

test("taking over may be stopped anywhere: the next opening ends it, and nothing is lost", {
  timeout: 120_000,
}, async () => {
  const file = join(temporaryDirectory(), "server.db");
  run(file, SCHEMA);
  const libsql = await startLibsqlServer(file);
  const directory = temporaryDirectory();
  const steps = [{ sql: PUSHED }, { sync: true }, { sql: UNPUSHED }] as const;
  await runLibsql(join(directory, "replica.db"), libsql.url, steps);
  const remote = ForkableRemote.create(`${SCHEMA}; ${PUSHED}`);
  const expected = contentsAfter(SCHEMA, PUSHED, UNPUSHED);
  const host = hostIn(directory, remote.connect());
  const random = createRandom(7);
  const seen = new Set<string>();
  const { outcome, points, requests } = await stopAtEveryRequest(
    openReplica(crashConfig(host.path, { takeover })),
    {
      ports: host.ports,
      directory,
      pathOf: (handle) => host.files.pathOf(handle),
      async check(point) {
        for (const variant of VARIANTS) {
          if (variant !== "as they are" && host.files.unsynced === 0) continue;
          const copy = point.copy();
          if (variant === "unsynced lost") host.files.loseUnsynced(copy);
          if (variant === "unsynced torn") host.files.loseUnsynced(copy, random);
          const state = fingerprintOf(copy);
          if (seen.has(state)) continue;
          seen.add(state);
          await checkStopped(copy, remote.fork(), expected);
        }
      },
    },
  );
  expect(outcome).toHaveProperty("value");
  expect(points).toBeGreaterThan(requests);
  host.drop();
});

async function checkStopped(
  directory: string,
  remote: ForkableRemote,
  expected: Record<string, string[]>,
): Promise<void> {
  const replica = await openIn(directory, remote.connect(), { takeover }, 2);
  try {
    expect(contentsOf(replica.db)).toEqual(expected);
    await replica.run(pushChanges(replica.session));
    await replica.run(pull(replica.session));
    expect(contentsOf(replica.db)).toEqual(expected);
    expect(remote.contents()).toEqual(expected);
  } finally {
    replica.drop();
    remote.close();
  }
  expect(integrityOfFile(replica.path)).toBe("ok");
}
