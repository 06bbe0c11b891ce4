import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  applyChanges,
  type Coroutine,
  closeReplica,
  combinePorts,
  type EngineIo,
  openReplica,
  pushChanges,
  type ReplicaConfig,
  type ReplicaSession,
  runAsync,
  SyncError,
  waitChanges,
} from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { type BetterSqlite3Io, createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import { addStreamSql, createChangeStreams, type DatabaseStreams, type StreamSql } from "@tributary/streams";
import { nodeClock } from "../../packages/replica/src/node-clock.js";
import { configOf } from "./engine.js";

/** The engine of a replica that has change streams. */
export interface StreamReplica {
  readonly path: string;
  readonly session: ReplicaSession;
  readonly sql: BetterSqlite3Io;
  readonly streams: DatabaseStreams;
  run<T>(procedure: Coroutine<T>): Promise<T>;
  /** Whether anything came. */
  pull(): Promise<boolean>;
  push(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a replica with change streams, and their SQL. */
export async function openStreamReplica(
  path: string,
  url: string,
  options: Partial<ReplicaConfig> = {},
): Promise<StreamReplica> {
  let streamSql: StreamSql | undefined;
  let streams: DatabaseStreams | undefined;
  const sql = createBetterSqlite3({
    synchronous: "OFF",
    onLocalCommit() {
      streams?.noteCommit();
      streamSql?.afterCommit();
    },
  });
  const remote = createHttpProtocol({ url });
  const ports: EngineIo = combinePorts({ files: createNodeStorage(), sql, remote, clock: nodeClock });
  const run = <T>(procedure: Coroutine<T>): Promise<T> => runAsync(procedure, ports);
  const session = await run(openReplica(configOf(path, options)));
  const site = session.metadata.clientId;
  const guard = (): void => {
    if (session.applyPending) throw new SyncError("database-busy", "A pull is under way.");
  };
  streams = createChangeStreams({ sql, site, isReplica: true, guard });
  streamSql = addStreamSql(sql.db, streams);
  return {
    path,
    session,
    sql,
    streams,
    run,
    pull: () => run(pullOnce(session)),
    push: async () => void (await run(pushChanges(session))),
    async close() {
      await run(closeReplica(session));
      await remote.close();
    },
  };
}

function* pullOnce(session: ReplicaSession): Coroutine<boolean> {
  for (;;) {
    const changes = yield* waitChanges(session);
    if (changes === undefined) return false;
    try {
      if (yield* applyChanges(session, changes)) return true;
    } finally {
      yield* changes.dispose();
    }
  }
}

/** Copies the files of an open database as a process that dies leaves them. Gives the path of the copy. */
export function crashedCopy(path: string, directory: string): string {
  mkdirSync(directory);
  const name = basename(path);
  for (const file of readdirSync(dirname(path))) {
    if (!file.startsWith(name) || /-(shm|lock)$/.test(file)) continue;
    copyFileSync(join(dirname(path), file), join(directory, file));
  }
  return join(directory, name);
}
