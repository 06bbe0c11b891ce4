import { statSync } from "node:fs";
import {
  applyChanges,
  type Coroutine,
  checkpoint,
  closeReplica,
  combinePorts,
  type ReplicaStats as EngineStats,
  type HostPorts,
  type PushResult,
  pushChanges,
  type RepairReport,
  type ReplicaSession,
  replicaFiles,
  resumeApply,
  runAsync,
  runSync,
  SyncError,
  stats,
  waitChanges,
} from "@tributary/core";
import type { HttpProtocol } from "@tributary/protocol-http";
import type { ReplicaDatabase } from "@tributary/sqlite-better-sqlite3";
import { Mutex } from "./mutex.js";
import type { OperationOptions } from "./replica-options.js";

/** Where a replica stands. */
export interface ReplicaStats extends EngineStats {
  /** Bytes of requests and answers since the replica was opened, headers not counted. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Why the last checkpoint that Tributary began by itself did not succeed; `undefined` when it did. */
  readonly lastCheckpointError: SyncError | undefined;
}

/** Downloads of one pull that may be found not to fit. */
const MOST_PULLS = 4;
const KEEPS_CHANGING =
  "What the remote sends keeps being out of date before it can be applied. Nothing was applied; the local changes stay.";

/** What a replica is made of; assembled by `openReplica`. */
export interface ReplicaParts {
  readonly session: ReplicaSession;
  readonly db: ReplicaDatabase;
  readonly ports: HostPorts;
  readonly protocol: HttpProtocol;
  readonly checkpointThresholdBytes: number;
}

/**
 * A local SQLite database that is kept in step with a remote one. `db` is read and written without a network, at any
 * time; the methods talk to the remote. Every failure is a `SyncError`, after which the replica is as it was before.
 */
export class Replica {
  /** The database, as a better-sqlite3 `Database`. What is committed through it is durable, and pushed later. */
  readonly db: ReplicaDatabase;
  readonly #parts: ReplicaParts;
  /** Pushes, applies, checkpoints: what must not overlap. */
  readonly #engine: Mutex = new Mutex();
  /** Pulls: a download belongs to the revision it was asked for. */
  readonly #pulls: Mutex = new Mutex();
  /** Aborted while the replica is being closed, and ever after; a new one when that failed. */
  #closing: AbortController = new AbortController();
  #closed: Promise<void> | undefined;
  #nextCheckpointBytes: number;
  #lastCheckpointError: SyncError | undefined;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.db = parts.db;
    this.#nextCheckpointBytes = parts.checkpointThresholdBytes;
  }

  /** The local file. */
  get path(): string {
    return this.#parts.session.config.path;
  }

  /**
   * What was wrong when the replica was opened, and has been seen to: metadata made anew, synced pages that the next pull
   * downloads again, damage that was repaired. Empty for a sound replica. No local change was lost unless it says so.
   */
  get recovered(): readonly SyncError[] {
    return this.#parts.session.recovered;
  }

  /** The repair that opening took; `undefined` for none. */
  get repair(): RepairReport | undefined {
    return this.#parts.session.repair;
  }

  /** Names this replica to the remote. */
  get clientId(): string {
    return this.#parts.session.metadata.clientId;
  }

  /**
   * Brings what changed at the remote since the last pull, and repeats the local changes that the remote does not have
   * on top of it. Resolves with whether anything came. With `longPollTimeoutMs` set it waits for something to come.
   */
  async pull(options: OperationOptions = {}): Promise<boolean> {
    const { session } = this.#parts;
    return await this.#pulls.run(async () => {
      await this.#engine.run(() => this.#operate(options, () => resumeApply(session)));
      let outcome = await this.#pullOnce(options, false);
      // A push was sent while the pages were on their way, and may be missing in them; or they do not follow on what is
      // here. The next ones hold pushes back.
      for (let attempt = 2; outcome === "overtaken"; attempt++) {
        if (attempt > MOST_PULLS) throw new SyncError("unexpected-response", KEEPS_CHANGING);
        outcome = await this.#engine.run(() => this.#pullOnce(options, true));
      }
      return outcome;
    });
  }

  /** `exclusive`: the caller has the engine to itself already. */
  async #pullOnce(options: OperationOptions, exclusive: boolean): Promise<boolean | "overtaken"> {
    const { session, ports } = this.#parts;
    const wait = exclusive ? { longPollTimeoutMs: 0 } : {};
    const changes = await this.#operate(options, () => waitChanges(session, wait));
    if (changes === undefined) return false;
    const apply = (): Promise<boolean> => this.#operate(options, () => applyChanges(session, changes));
    try {
      if (!(await (exclusive ? apply() : this.#engine.run(apply)))) return "overtaken";
    } finally {
      await runAsync(changes.dispose(), combinePorts(ports));
    }
    if (!exclusive) this.#checkpointIfLarge();
    return true;
  }

  /**
   * Sends the local changes that the remote does not have. What the remote has committed is never applied twice, also
   * when its answer was lost. When the remote refuses a change, its whole batch and all after it
   * stay pending.
   */
  async push(options: OperationOptions = {}): Promise<PushResult> {
    return await this.#engine.run(() => this.#operate(options, () => pushChanges(this.#parts.session)));
  }

  /**
   * `push`, then `pull`: afterwards the replica has all that the remote has, its own changes among it. Where the remote
   * refuses a change, what others changed may be why: then it pulls first and pushes once more.
   */
  async sync(options: OperationOptions = {}): Promise<{ readonly pushed: number; readonly pulled: boolean }> {
    let pulled = false;
    let result: PushResult;
    try {
      result = await this.push(options);
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== "remote-sql-failed") throw error;
      pulled = await this.pull(options);
      if (!pulled) throw error;
      result = await this.push(options);
    }
    return { pushed: result.changes, pulled: (await this.pull(options)) || pulled };
  }

  /** Moves the write-ahead log into the database file. Happens by itself; needed only to shrink the log at once. */
  async checkpoint(): Promise<void> {
    await this.#engine.run(() => this.#operate({}, () => checkpoint(this.#parts.session)));
  }

  /** Where the replica stands. Touches no network. */
  async stats(): Promise<ReplicaStats> {
    const engine = await this.#engine.run(() => this.#operate({}, () => stats(this.#parts.session)));
    const { bytesSent, bytesReceived } = this.#parts.protocol;
    return { ...engine, bytesSent, bytesReceived, lastCheckpointError: this.#lastCheckpointError };
  }

  /**
   * Ends what is running, rolls back a transaction left open on `db`, and closes everything, `db` included. Unpushed
   * changes stay in the file. Calling it again gives the same promise. When it fails, with `database-busy` for a query
   * that is still iterated over, the replica stays open and usable, and may be closed later.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close().catch((error: unknown) => {
      this.#closed = undefined;
      this.#closing = new AbortController();
      throw error;
    });
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { session, ports, protocol } = this.#parts;
    this.#closing.abort();
    await this.#pulls.run(async () => {});
    await this.#engine.run(async () => {
      await this.#rollBack();
      await runAsync(closeReplica(session), combinePorts(ports));
    });
    await protocol.close();
  }

  /** Rolls back what the app has left open. A query that is iterated over stands in the way, so its end is waited for. */
  async #rollBack(): Promise<void> {
    const { lockTimeoutMs } = this.#parts.session.config;
    const { clock } = this.#parts.ports;
    const deadline = (await clock.now()) + lockTimeoutMs;
    while (this.db.open && this.db.inTransaction) {
      try {
        this.db.exec("ROLLBACK");
      } catch (cause) {
        if ((await clock.now()) >= deadline) {
          const message = `The transaction open on ${this.path} could not be rolled back: is a query still iterated over?`;
          throw new SyncError("database-busy", message, { path: this.path, cause });
        }
        await clock.sleep(10);
      }
    }
  }

  /** Called after each commit of the app: keeps the log from growing without bound. */
  afterLocalCommit(): void {
    // An operation that runs will be followed by its own check, and owns the connections till then.
    if (!this.#engine.busy) this.#checkpointIfLarge();
  }

  #checkpointIfLarge(): void {
    const { session, ports, checkpointThresholdBytes } = this.#parts;
    // An apply that is still to be finished would have to wait, and the next operation begins with it anyway.
    if (this.#engine.busy || session.applyPending) return;
    if (this.#logBytes() < this.#nextCheckpointBytes) return;
    try {
      // Without waiting: the app's commit returns when the log is short again, as with SQLite's own checkpoints.
      runSync(checkpoint(session, 0), combinePorts(ports));
      this.#lastCheckpointError = undefined;
    } catch (error) {
      this.#lastCheckpointError =
        error instanceof SyncError
          ? error
          : new SyncError("internal", "A checkpoint failed.", { cause: error });
    }
    // Some reader may have kept the log from becoming shorter; not every commit from now on is to find that out again.
    const size = this.#logBytes();
    const isShort = size < checkpointThresholdBytes;
    this.#nextCheckpointBytes = isShort ? checkpointThresholdBytes : size + checkpointThresholdBytes;
  }

  #logBytes(): number {
    return statSync(replicaFiles(this.path).log, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Runs an engine procedure that ends when the caller's signal or a close says so. */
  async #operate<T>(options: OperationOptions, procedure: () => Coroutine<T>): Promise<T> {
    const closing = this.#closing.signal;
    if (closing.aborted) throw new SyncError("invalid-state", "The replica is closed.");
    const signal = options.signal === undefined ? closing : AbortSignal.any([closing, options.signal]);
    const { ports, protocol } = this.#parts;
    return await runAsync(
      procedure(),
      combinePorts({ ...ports, remote: protocol.withSignal(signal) }),
      signal,
    );
  }
}
