import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ProtocolIo, SqlRow } from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createSyncServer, type SyncServer } from "@tributary/server";
import Database from "better-sqlite3";
import type { RemoteHost } from "./simulated-remote.js";

const FILE = "server.db";
/** What SQLite makes; the rest beside the database is the server's own. */
const DATABASE_FILES: ReadonlySet<string> = new Set([FILE, `${FILE}-wal`, `${FILE}-shm`]);

/** One replica's way to the server. */
export interface ServerPort extends ProtocolIo {
  /** Waits until a restart of the server has been heard of. */
  afterRestart?(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Tributary's server over a file, without a socket. It checkpoints by itself, often. `connect` makes a way to the server of
 * the moment.
 */
export function createServerHost(
  directory: string,
  connect: (server: () => SyncServer) => ServerPort = connectHttp,
): RemoteHost {
  const ownDirectory = join(directory, "server");
  mkdirSync(ownDirectory);
  const path = join(ownDirectory, FILE);
  const open = (): SyncServer =>
    createSyncServer({ path, walLimitBytes: 128 * 1024, foreignCommitCheckMs: 0, maxWorkers: 0 });
  let server = open();
  const ports: ServerPort[] = [];
  const other = new Database(path);
  other.pragma("synchronous = OFF");
  other.pragma("wal_autocheckpoint = 0");

  return {
    connect() {
      const port = connect(() => server);
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
      await Promise.all(ports.map((port) => port.afterRestart?.()));
    },
    async close() {
      for (const port of ports) await port.close();
      await server.close();
      other.close();
    },
  };
}

function connectHttp(server: () => SyncServer): ServerPort {
  return createHttpProtocol({
    url: "http://remote.example",
    fetch: (input, init) => server().fetch(new Request(input, init)),
    retry: { attempts: 1 },
  });
}
