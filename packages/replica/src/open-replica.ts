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
import { systemClock } from "@tributary/live";
import {
  type BetterSqlite3Io,
  type BetterSqlite3Options,
  canonicalPath,
  createBetterSqlite3,
  createScratchSql,
  isOpenElsewhere,
} from "@tributary/sqlite-better-sqlite3";
import { createNodeStorage } from "@tributary/storage-node-fs";
import { addStreamSql, createChangeStreams, type DatabaseStreams, type StreamSql } from "@tributary/streams";
import { checkOptions } from "./check-options.js";
import { nodeClock } from "./node-clock.js";
import { httpOptions } from "./remote/http-options.js";
import { openRemote } from "./remote/open-remote.js";
import type { OpenedRemote, ReplicaRemote } from "./remote/replica-remote.js";
import { Replica } from "./replica.js";
import type { ReplicaOptions } from "./replica-options.js";
import { type FramesAtRemote, findFramesAtRemote } from "./takeover/frames-at-remote.js";

/**
 * Opens a replica, making it where there is none: by default it is then downloaded whole. What a crash or another program
 * has left is seen to, and a replica of libSQL's client is taken over: `replica.recovered` says what that was.
 *
 * @throws SyncError `invalid-option`, `replica-in-use` (open already, here or in another process), `not-a-replica`,
 * `damaged-file` and `damaged-metadata` when it is damaged and cannot be repaired now, `aborted`, and for a new replica
 * all that a pull may fail with.
 */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  checkOptions("openReplica", options);
  const path = canonicalPath(options.path);
  let replica: Replica | undefined;
  let streams: DatabaseStreams | undefined;
  let streamSql: StreamSql | undefined;
  const onLocalCommit = (): void => {
    replica?.afterLocalCommit();
    streams?.noteCommit();
    streamSql?.afterCommit();
  };
  const { ports, protocol, sqlite, transport } = portsOf(path, options, {
    onLocalCommit,
    onTempEmptied: () => streamSql?.restore(),
  });
  try {
    const framesAtRemote = await askForFrames(path, options);
    const config = { ...configOf(path, options), takeover: takeoverOf(options, framesAtRemote) };
    const session = await run(openEngine(config), { ports, protocol }, options.signal);
    if (options.streams !== undefined) {
      streams = createChangeStreams({
        sql: sqlite,
        site: session.metadata.clientId,
        retention: options.streams.retention,
        isReplica: true,
        guard: () => replica?.checkStreams(),
        onApplied: () => replica?.afterStreamPackage(),
      });
      streamSql = addStreamSql(sqlite.db, streams, options.streams.inbox);
    }
    replica = new Replica({
      session,
      streams,
      db: sqlite.db,
      ports,
      protocol,
      checkpointThresholdBytes:
        options.checkpointThresholdBytes ?? (options.live === true ? 4 : 16) * 1024 * 1024,
      ...(options.live === true && {
        live: { clock: systemClock, waitMs: options.longPollTimeoutMs ?? 30_000, transport },
      }),
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
  const path = canonicalPath(options.path);
  const { ports, protocol } = portsOf(path, options, {});
  try {
    const config = configOf(path, options);
    return await run(repair(config, { acceptLoss }), { ports, protocol }, options.signal);
  } finally {
    await protocol.close();
  }
}

interface Ports {
  readonly ports: HostPorts;
  readonly protocol: ReplicaRemote;
}

function portsOf(
  path: string,
  options: ReplicaOptions,
  hooks: Pick<BetterSqlite3Options, "onLocalCommit" | "onTempEmptied">,
): Ports & { readonly sqlite: BetterSqlite3Io; readonly transport: OpenedRemote["transport"] } {
  const { remote: protocol, transport } = openRemote(options, path);
  const sqlite = createBetterSqlite3({ ...options.database, ...hooks });
  return {
    ports: { files: createNodeStorage(), sql: sqlite, remote: protocol, clock: nodeClock },
    protocol,
    sqlite,
    transport,
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
    longPollTimeoutMs: options.live === true ? 0 : (options.longPollTimeoutMs ?? 0),
    pullBytesThreshold: options.pullBytesThreshold,
    pushOperationsThreshold: options.pushOperationsThreshold ?? 10_000,
    ignoreTables: new Set(options.ignoreTables?.map(foldName)),
    transform: options.transform,
    lockTimeoutMs: options.lockTimeoutMs ?? 5_000,
    pushAttempts: 3,
    repair: options.repair ?? true,
    takeover: undefined,
    openPages: openWalReplicaPages,
    onProgress: options.onProgress && checkedProgress(options.onProgress),
  };
}

async function askForFrames(path: string, options: ReplicaOptions): Promise<FramesAtRemote> {
  if (options.takeOver === false || options.transport !== undefined) return undefined;
  return await findFramesAtRemote(path, httpOptions(options), options.signal);
}

function takeoverOf(
  { takeOver, database }: ReplicaOptions,
  framesAtRemote: FramesAtRemote,
): ReplicaConfig["takeover"] {
  if (takeOver === false) return undefined;
  return {
    always: takeOver === true,
    files: createNodeStorage(),
    framesAtRemote,
    scratch: () => createScratchSql(database),
    isOpenElsewhere,
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
