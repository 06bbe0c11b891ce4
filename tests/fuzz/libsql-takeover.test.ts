import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SyncError } from "@tributary/core";
import { openReplica } from "@tributary/replica";
import { createRandom, mutateBytes } from "@tributary/testkit";
import { expect, test } from "vitest";
import { integrityOfFile } from "../support/contents.js";
import { filesOf, leave, PUSHED, UNPUSHED } from "../support/libsql-takeover.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

/** About 60 ms each. */
const RUNS = 25 * Number(process.env.TRIBUTARY_FUZZ_COUNT ?? 1);

test("whatever has become of a libSQL replica's files: it is taken over, or refused and not touched", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  const random = createRandom(11);
  for (let run = 0; run < RUNS; run++) {
    const copy = join(temporaryDirectory(), "app.db");
    for (const suffix of ["", "-wal", "-info"]) cpSync(path + suffix, copy + suffix);
    const file = copy + (["", "-wal", "-info"][random.below(3)] as string);
    writeFileSync(file, mutateBytes([readFileSync(file)], random));
    const before = filesOf(copy);
    try {
      const replica = await openReplica({ path: copy, url: remote.url, database: { synchronous: "OFF" } });
      expect(replica.repair?.keptAs, `run ${run}`).toBeDefined();
      await replica.close();
      expect(integrityOfFile(copy)).toBe("ok");
    } catch (error) {
      if (!(error instanceof SyncError)) throw new Error(`Run ${run}: ${String(error)}`, { cause: error });
      expect(["damaged-file", "not-a-replica", "replay-conflict"], `run ${run}: ${error}`).toContain(
        error.code,
      );
      expect(filesOf(copy)).toEqual(before);
    }
  }
});
