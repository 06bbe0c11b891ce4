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

/** What a replica is made of; assembled by `openReplica`. */
export interface ReplicaParts {
  readonly session: ReplicaSession;
  readonly db: ReplicaDatabase;
  readonly ports: HostPorts;
  readonly protocol: HttpProtocol;
  readonly checkpointThresholdBytes: number;
  readonly onClose: () => void;
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
  readonly #closing: AbortController = new AbortController();
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
      await this.#engine.run(() =>
        this.#run(options, (signal) => this.#coroutine(() => resumeApply(session), signal)),
      );
      const changes = await this.#run(options, (signal) =>
        this.#coroutine(() => waitChanges(session), signal),
      );
      if (changes === undefined) return false;
      try {
        await this.#engine.run(() =>
          this.#run(options, (signal) => this.#coroutine(() => applyChanges(session, changes), signal)),
        );
      } finally {
        await runAsync(changes.dispose(), combinePorts(this.#parts.ports));
      }
      this.#checkpointIfLarge();
      return true;
    });
  }

  /**
   * Sends the local changes that the remote does not have. What the remote has committed is never sent twice, also
   * when its answer was lost. When the remote refuses a change, it and all after it stay pending.
   */
  async push(options: OperationOptions = {}): Promise<PushResult> {
    const { session } = this.#parts;
    return await this.#engine.run(() =>
      this.#run(options, (signal) => this.#coroutine(() => pushChanges(session), signal)),
    );
  }

  /** `push`, then `pull`: afterwards the replica has all that the remote has, its own changes among it. */
  async sync(options: OperationOptions = {}): Promise<{ readonly pushed: number; readonly pulled: boolean }> {
    const { changes } = await this.push(options);
    return { pushed: changes, pulled: await this.pull(options) };
  }

  /** Moves the write-ahead log into the database file. Happens by itself; needed only to shrink the log at once. */
  async checkpoint(): Promise<void> {
    await this.#engine.run(() =>
      this.#run({}, (signal) => this.#coroutine(() => checkpoint(this.#parts.session), signal)),
    );
  }

  /** Where the replica stands. Touches no network. */
  async stats(): Promise<ReplicaStats> {
    const engine = await this.#engine.run(() =>
      this.#run({}, (signal) => this.#coroutine(() => stats(this.#parts.session), signal)),
    );
    const { bytesSent, bytesReceived } = this.#parts.protocol;
    return { ...engine, bytesSent, bytesReceived, lastCheckpointError: this.#lastCheckpointError };
  }

  /**
   * Ends what is running, rolls back a transaction left open on `db`, and closes everything, `db` included. Unpushed
   * changes stay in the file. Calling it again gives the same promise.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close().catch((error: unknown) => {
      this.#closed = undefined;
      throw error;
    });
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { session, ports, protocol, onClose } = this.#parts;
    this.#closing.abort();
    await this.#pulls.run(async () => {});
    await this.#engine.run(async () => {
      if (this.db.open && this.db.inTransaction) this.db.exec("ROLLBACK");
      await runAsync(closeReplica(session), combinePorts(ports));
    });
    await protocol.close();
    onClose();
  }

  /** Called after each commit of the app: keeps the log from growing without bound. */
  afterLocalCommit(): void {
    // An operation that runs will be followed by its own check, and owns the connections till then.
    if (!this.#engine.busy) this.#checkpointIfLarge();
  }

  #checkpointIfLarge(): void {
    const size = statSync(replicaFiles(this.path).log, { throwIfNoEntry: false })?.size ?? 0;
    if (size < this.#nextCheckpointBytes || this.#engine.busy) return;
    const { session, ports, checkpointThresholdBytes } = this.#parts;
    // Without waiting: the app's commit returns when the log is short again, as with SQLite's own checkpoints.
    const withoutWaiting = { ...session, config: { ...session.config, lockTimeoutMs: 0 } };
    try {
      runSync(checkpoint(withoutWaiting), combinePorts(ports));
      session.metadata = withoutWaiting.metadata;
      this.#lastCheckpointError = undefined;
      this.#nextCheckpointBytes = checkpointThresholdBytes;
    } catch (error) {
      this.#lastCheckpointError =
        error instanceof SyncError
          ? error
          : new SyncError("internal", "A checkpoint failed.", { cause: error });
      this.#nextCheckpointBytes = size + checkpointThresholdBytes;
    }
  }

  async #run<T>(options: OperationOptions, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const closing = this.#closing.signal;
    if (closing.aborted) throw new SyncError("invalid-state", "The replica is closed.");
    return await operation(
      options.signal === undefined ? closing : AbortSignal.any([closing, options.signal]),
    );
  }

  #coroutine<T>(procedure: () => Coroutine<T>, signal: AbortSignal): Promise<T> {
    const { ports, protocol } = this.#parts;
    return runAsync(procedure(), combinePorts({ ...ports, remote: protocol.withSignal(signal) }), signal);
  }
}
