import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SqlRow } from "@tributary/core";
import { createHttpProtocol, type HttpProtocol } from "@tributary/protocol-http";
import { createSyncServer } from "@tributary/server";
import Database from "better-sqlite3";
import type { RemoteHost } from "./simulated-remote.js";

const FILE = "server.db";
/** What SQLite makes; the rest beside the database is the server's own. */
const DATABASE_FILES: ReadonlySet<string> = new Set([FILE, `${FILE}-wal`, `${FILE}-shm`]);

/** Tributary's server over a file, without a socket. It checkpoints by itself, often. */
export function createServerHost(directory: string): RemoteHost {
  const ownDirectory = join(directory, "server");
  mkdirSync(ownDirectory);
  const path = join(ownDirectory, FILE);
  const open = (): ReturnType<typeof createSyncServer> =>
    createSyncServer({ path, walLimitBytes: 128 * 1024, foreignCommitCheckMs: 0, maxWorkers: 0 });
  let server = open();
  const ports: HttpProtocol[] = [];
  const other = new Database(path);
  other.pragma("synchronous = OFF");
  other.pragma("wal_autocheckpoint = 0");

  return {
    connect() {
      const port = createHttpProtocol({
        url: "http://remote.example",
        fetch: (input, init) => server.fetch(new Request(input, init)),
        retry: { attempts: 1 },
      });
      ports.push(port);
      return port;
    },
    query(sql) {
      const statement = other.prepare(sql);
      if (statement.reader) return statement.safeIntegers(true).raw(true).all() as SqlRow[];
      statement.run();
      return [];
    },
    async restart(forgetRevisions) {
      await server.close();
      if (forgetRevisions) {
        for (const name of readdirSync(ownDirectory)) {
          if (!DATABASE_FILES.has(name)) rmSync(join(ownDirectory, name));
        }
      }
      server = open();
    },
    async close() {
      for (const port of ports) await port.close();
      await server.close();
      other.close();
    },
  };
}
