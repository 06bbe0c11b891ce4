import { join } from "node:path";
import { onTestFinished } from "vitest";
import { DatabaseRegistry, type DatabaseRegistryHooks } from "../../src/databases/database-registry.js";
import { resolveServerOptions, type SyncServerOptions } from "../../src/sync-server-options.js";
import { ManualClock } from "./manual-clock.js";
import { tempDirectory } from "./temp-directory.js";

/** The databases of a server, without the HTTP, on a clock that stands still. */
export function openRegistry(
  options: Partial<SyncServerOptions> = {},
  hooks?: DatabaseRegistryHooks,
): { registry: DatabaseRegistry; clock: ManualClock; directory: string; fileOf: (name: string) => string } {
  const clock = new ManualClock();
  const directory = options.dataDirectory ?? join(tempDirectory(), "data");
  const place = options.path === undefined ? { dataDirectory: directory } : {};
  const registry = new DatabaseRegistry(
    resolveServerOptions({ clock, foreignCommitCheckMs: 0, ...options, ...place }),
    hooks,
  );
  onTestFinished(() => registry.close());
  return { registry, clock, directory, fileOf: (name) => join(directory, "databases", name, "database.db") };
}

/** Runs `use` with a database, and lets go of it. */
export function withDatabase<T>(
  registry: DatabaseRegistry,
  name: string,
  use: (database: ReturnType<DatabaseRegistry["acquire"]>["database"]) => T,
): T {
  const lease = registry.acquire(name, true);
  try {
    return use(lease.database);
  } finally {
    lease.release();
  }
}
