import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { DatabaseJobs } from "../../src/database/database-jobs.js";
import { ServerDatabase } from "../../src/database/server-database.js";
import { resolveServerOptions, type SyncServerOptions } from "../../src/sync-server-options.js";
import { ManualClock } from "./manual-clock.js";
import { tempDirectory } from "./temp-directory.js";

/** A database of the server, without the HTTP, on a clock that stands still. */
export function openDatabase(
  options: Partial<SyncServerOptions> = {},
  jobs?: DatabaseJobs,
): {
  database: ServerDatabase;
  clock: ManualClock;
  path: string;
} {
  const clock = new ManualClock();
  const path = options.path ?? join(tempDirectory(), "test.db");
  const database = new ServerDatabase(
    {
      ...resolveServerOptions({ clock, foreignCommitCheckMs: 0, ...options, path }),
      path,
    },
    jobs,
  );
  onTestFinished(() => database.close());
  return { database, clock, path };
}
