import {
  type Coroutine,
  combinePorts,
  type EngineIo,
  openReplica,
  openWalReplicaPages,
  type ReplicaConfig,
  type ReplicaSession,
  runAsync,
} from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import type Database from "better-sqlite3";
import { nodeClock } from "../../packages/replica/src/node-clock.js";

/** The engine without the façade, for tests that look at what it keeps to itself. */
export interface Engine {
  readonly session: ReplicaSession;
  readonly db: Database.Database;
  readonly ports: EngineIo;
  run<T>(procedure: Coroutine<T>): Promise<T>;
}

/** Opens a replica's engine. */
export async function openEngine(
  path: string,
  url: string,
  options: Partial<ReplicaConfig> = {},
): Promise<Engine> {
  const sqlite = createBetterSqlite3();
  const remote = createHttpProtocol({ url });
  const ports = combinePorts({ files: createNodeStorage(), sql: sqlite, remote, clock: nodeClock });
  const session = await runAsync(openReplica(configOf(path, options)), ports);
  return { session, db: sqlite.db, ports, run: (procedure) => runAsync(procedure, ports) };
}

/** Settings of an engine, complete. */
export function configOf(path: string, options: Partial<ReplicaConfig> = {}): ReplicaConfig {
  return {
    path,
    clientName: "engine",
    bootstrapIfEmpty: true,
    longPollTimeoutMs: 0,
    pullBytesThreshold: undefined,
    pushOperationsThreshold: 1_000,
    ignoreTables: new Set(),
    transform: undefined,
    lockTimeoutMs: 1_000,
    pushAttempts: 3,
    repair: true,
    takeover: undefined,
    openPages: openWalReplicaPages,
    onProgress: undefined,
    ...options,
  };
}
