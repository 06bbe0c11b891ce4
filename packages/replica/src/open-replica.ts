import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import {
  combinePorts,
  foldName,
  openReplica as openEngine,
  openWalReplicaPages,
  type ReplicaConfig,
  runAsync,
  SyncError,
  type TransferProgress,
} from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import { checkOptions } from "./check-options.js";
import { nodeClock } from "./node-clock.js";
import { Replica } from "./replica.js";
import type { ReplicaOptions } from "./replica-options.js";

/**
 * Opens a replica, making it where there is none: by default it is then downloaded whole.
 *
 * @throws SyncError `invalid-option`, `replica-in-use` (open already, here or in another process), `not-a-replica`,
 * `damaged-metadata`, `aborted`, and for a new replica all that a pull may fail with.
 */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  checkOptions(options);
  return await open(canonicalPath(options.path), options);
}

async function open(path: string, options: ReplicaOptions): Promise<Replica> {
  let replica: Replica | undefined;
  const { signal, url } = options;
  const protocol = createHttpProtocol({
    url: url === null ? () => null : url,
    ...(options.authToken !== undefined && { authToken: options.authToken }),
    ...(options.headers !== undefined && { headers: options.headers }),
    ...(options.fetch !== undefined && { fetch: options.fetch }),
  });
  const sqlite = createBetterSqlite3({
    ...options.database,
    onLocalCommit: () => replica?.afterLocalCommit(),
  });
  const ports = { files: createNodeStorage(), sql: sqlite, remote: protocol, clock: nodeClock };
  try {
    const remote = signal === undefined ? protocol : protocol.withSignal(signal);
    const opening = openEngine(configOf(path, options));
    const session = await runAsync(opening, combinePorts({ ...ports, remote }), signal);
    replica = new Replica({
      session,
      db: sqlite.db,
      ports,
      protocol,
      checkpointThresholdBytes: options.checkpointThresholdBytes ?? 16 * 1024 * 1024,
    });
    return replica;
  } catch (error) {
    await protocol.close();
    throw error;
  }
}

function configOf(path: string, options: ReplicaOptions): ReplicaConfig {
  return {
    path,
    clientName: options.clientName ?? "tributary",
    bootstrapIfEmpty: options.bootstrapIfEmpty ?? true,
    longPollTimeoutMs: options.longPollTimeoutMs ?? 0,
    pullBytesThreshold: options.pullBytesThreshold,
    pushOperationsThreshold: options.pushOperationsThreshold ?? 10_000,
    ignoreTables: new Set(options.ignoreTables?.map(foldName)),
    transform: options.transform,
    lockTimeoutMs: options.lockTimeoutMs ?? 5_000,
    pushAttempts: 3,
    openPages: openWalReplicaPages,
    onProgress: options.onProgress && checkedProgress(options.onProgress),
  };
}

/** What the app's function throws ends the operation, as the app's own mistake. */
function checkedProgress(onProgress: (progress: TransferProgress) => void): typeof onProgress {
  return (progress) => {
    try {
      onProgress(progress);
    } catch (cause) {
      throw new SyncError("invalid-option", "onProgress failed.", { cause });
    }
  };
}

/** The same file has the same path, whatever links lead to it. */
function canonicalPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    // Not there yet: then its directory decides.
    try {
      return join(realpathSync(dirname(absolute)), basename(absolute));
    } catch (cause) {
      throw new SyncError("invalid-option", `The directory of ${absolute} does not exist.`, {
        path: absolute,
        cause,
      });
    }
  }
}
