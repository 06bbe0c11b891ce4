import { join } from "node:path";
import {
  applyChanges,
  type Coroutine,
  combinePorts,
  type EngineIo,
  type FileHandle,
  openReplica,
  type ProtocolIo,
  type ReplicaConfig,
  type ReplicaSession,
  runAsync,
  waitChanges,
} from "@tributary/core";
import { type BetterSqlite3Io, createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import {
  createLossyStorage,
  createRandom,
  createVirtualClock,
  type LossyStorage,
  type SynchronousFiles,
} from "@tributary/testkit";
import type Database from "better-sqlite3";
import { configOf } from "../../support/engine.js";

/** The ports of one replica in a directory of its own, and a way to drop everything as a crash does. */
export interface CrashHost {
  readonly directory: string;
  readonly path: string;
  readonly ports: EngineIo;
  readonly files: LossyStorage;
  readonly sqlite: BetterSqlite3Io;
  run<T>(procedure: Coroutine<T>): Promise<T>;
  /** Closes all that is open, without a word to the engine. */
  drop(): void;
}

/** A host with an open replica. */
export interface CrashReplica extends CrashHost {
  readonly session: ReplicaSession;
  readonly db: Database.Database;
}

/** Makes the ports; opens nothing. */
export function hostIn(directory: string, remote: ProtocolIo, seed = 1): CrashHost {
  const open = new Set<FileHandle>();
  const files = createLossyStorage(noting(createNodeStorage(), open));
  const sqlite = createBetterSqlite3();
  const ports = combinePorts({ files, sql: sqlite, remote, clock: createVirtualClock(createRandom(seed)) });
  return {
    directory,
    path: join(directory, "replica.db"),
    ports,
    files,
    sqlite,
    run: (procedure) => runAsync(procedure, ports),
    drop() {
      sqlite.closeConnections();
      sqlite.releaseLock();
      for (const file of open) files.closeFile(file);
      open.clear();
    },
  };
}

/** Opens the replica in a directory; one that is there must open without a repair. */
export async function openIn(
  directory: string,
  remote: ProtocolIo,
  options: Partial<ReplicaConfig> = {},
  seed = 1,
): Promise<CrashReplica> {
  const host = hostIn(directory, remote, seed);
  try {
    return await reopen(host, options);
  } catch (error) {
    host.drop();
    throw error;
  }
}

/** Opens the replica of a host that has it closed. */
export async function reopen(host: CrashHost, options: Partial<ReplicaConfig> = {}): Promise<CrashReplica> {
  const session = await host.run(openReplica(crashConfig(host.path, options)));
  return { ...host, session, db: host.sqlite.db };
}

/** Settings for crash tests: batches of a few changes, and no repair, because a crash damages nothing. */
export function crashConfig(path: string, options: Partial<ReplicaConfig> = {}): ReplicaConfig {
  return configOf(path, { pushOperationsThreshold: 5, lockTimeoutMs: 0, repair: false, ...options });
}

/** Waits for changes and applies them. */
export function* pull(session: ReplicaSession): Coroutine<boolean> {
  const changes = yield* waitChanges(session);
  if (changes === undefined) return false;
  try {
    return yield* applyChanges(session, changes);
  } finally {
    yield* changes.dispose();
  }
}

function noting(files: SynchronousFiles, open: Set<FileHandle>): SynchronousFiles {
  return {
    ...files,
    openFile(path, mode) {
      const file = files.openFile(path, mode);
      if (file !== undefined) open.add(file);
      return file;
    },
    closeFile(file) {
      open.delete(file);
      files.closeFile(file);
    },
  };
}
