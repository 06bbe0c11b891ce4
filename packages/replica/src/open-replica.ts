import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import {
  type Coroutine,
  combinePorts,
  foldName,
  type HostPorts,
  openReplica as openEngine,
  openWalReplicaPages,
  type RepairOptions,
  type RepairReport,
  type ReplicaConfig,
  repairReplica as repair,
  runAsync,
  SyncError,
  type TransferProgress,
} from "@tributary/core";
import { createHttpProtocol, type HttpProtocol } from "@tributary/protocol-http";
import { type BetterSqlite3Io, createBetterSqlite3 } from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import { checkOptions } from "./check-options.js";
import { nodeClock } from "./node-clock.js";
import { Replica } from "./replica.js";
import type { ReplicaOptions } from "./replica-options.js";

/**
 * Opens a replica, making it where there is none: by default it is then downloaded whole. What a crash or another program
 * has left is seen to: `replica.recovered` says what that was.
 *
 * @throws SyncError `invalid-option`, `replica-in-use` (open already, here or in another process), `not-a-replica`,
 * `damaged-file` and `damaged-metadata` when it is damaged and cannot be repaired now, `aborted`, and for a new replica
 * all that a pull may fail with.
 */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  checkOptions("openReplica", options);
  const path = canonicalPath(options.path);
  let replica: Replica | undefined;
  const { ports, protocol, sqlite } = portsOf(options, () => replica?.afterLocalCommit());
  try {
    const session = await run(openEngine(configOf(path, options)), { ports, protocol }, options.signal);
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

/**
 * Repairs a replica that is not open, as `openReplica` does by itself when it finds damage: downloads the database
 * afresh, repeats the unpushed local changes on it, and swaps it in; the damaged files are kept beside it.
 *
 * @throws SyncError `invalid-option`, `replica-in-use`, `not-a-replica`, `damaged-file` (local changes cannot be read,
 * and `acceptLoss` is not set), `replay-conflict`, `aborted`, and all that a pull may fail with. Nothing was touched then.
 */
export async function repairReplica(options: ReplicaOptions & RepairOptions): Promise<RepairReport> {
  checkOptions("repairReplica", options);
  const { acceptLoss = false } = options;
  const { ports, protocol } = portsOf(options, () => {});
  try {
    const config = configOf(canonicalPath(options.path), options);
    return await run(repair(config, { acceptLoss }), { ports, protocol }, options.signal);
  } finally {
    await protocol.close();
  }
}

interface Ports {
  readonly ports: HostPorts;
  readonly protocol: HttpProtocol;
}

function portsOf(
  options: ReplicaOptions,
  onLocalCommit: () => void,
): Ports & { readonly sqlite: BetterSqlite3Io } {
  const { url, authToken, headers, fetch, database } = options;
  const protocol = createHttpProtocol({
    url: url === null ? () => null : url,
    ...(authToken !== undefined && { authToken }),
    ...(headers !== undefined && { headers }),
    ...(fetch !== undefined && { fetch }),
  });
  const sqlite = createBetterSqlite3({ ...database, onLocalCommit });
  return {
    ports: { files: createNodeStorage(), sql: sqlite, remote: protocol, clock: nodeClock },
    protocol,
    sqlite,
  };
}

async function run<T>(
  procedure: Coroutine<T>,
  { ports, protocol }: Ports,
  signal: AbortSignal | undefined,
): Promise<T> {
  const remote = signal === undefined ? protocol : protocol.withSignal(signal);
  return await runAsync(procedure, combinePorts({ ...ports, remote }), signal);
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
    repair: options.repair ?? true,
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
