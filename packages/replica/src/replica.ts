import {
  applyChanges,
  type Coroutine,
  checkpoint,
  closeReplica,
  combinePorts,
  type EngineIo,
  type ReplicaStats as EngineStats,
  type PushResult,
  pushChanges,
  type RepairReport,
  resumeApply,
  runAsync,
  runSync,
  SyncError,
  stats,
  type TapePositions,
  tapePositions,
  waitChanges,
} from "@tributary/core";
import type { ReplicaDatabase } from "@tributary/sqlite-better-sqlite3";
import type { DatabaseStreams } from "@tributary/streams";
import { AutomaticCheckpoints } from "./automatic-checkpoints.js";
import { ChangeTracker } from "./live/change-tracker.js";
import { asSyncError } from "./live/failure-kind.js";
import { LiveDriver, type LiveState } from "./live/live-driver.js";
import { FIRST_STANDING, type Standing, standingOf } from "./live/standing.js";
import { StatusFeed } from "./live/status-feed.js";
import { Mutex } from "./mutex.js";
import { watchedRemote } from "./remote/watched-remote.js";
import type { OperationOptions } from "./replica-options.js";
import type { ReplicaParts } from "./replica-parts.js";
import type { ReplicaStatus, TableChanges } from "./replica-status.js";
import { rollBack } from "./roll-back.js";

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

const NO_POSITIONS: TapePositions = { committed: 0, sent: 0, acknowledged: 0 };

/**
 * A local SQLite database that is kept in step with a remote one. `db` is read and written without a network, at any
 * time; the methods talk to the remote. Every failure is a `SyncError`, after which the replica is as it was before.
 */
export class Replica {
  /** The database, as a better-sqlite3 `Database`. What is committed through it is durable, and pushed later. */
  readonly db: ReplicaDatabase;
  readonly #parts: ReplicaParts;
  readonly #io: EngineIo;
  /** Pushes, applies, checkpoints: what must not overlap. */
  readonly #engine: Mutex = new Mutex();
  /** Pulls: a download belongs to the revision it was asked for. */
  readonly #pulls: Mutex = new Mutex();
  readonly #checkpoints: AutomaticCheckpoints;
  readonly #changes: ChangeTracker;
  readonly #statusFeed: StatusFeed;
  readonly #driver: LiveDriver | undefined;
  /** Aborted while the replica is being closed, and ever after; a new one when that failed. */
  #closing: AbortController = new AbortController();
  #closed: Promise<void> | undefined;
  #standing: Standing = FIRST_STANDING;
  #positions: TapePositions = NO_POSITIONS;
  /** The connections are open. */
  #isReadable = true;
  #hasNotedCommit = false;

  constructor(parts: ReplicaParts) {
    const { session, ports, live } = parts;
    this.#parts = parts;
    this.db = parts.db;
    this.#io = combinePorts(ports);
    this.#checkpoints = new AutomaticCheckpoints(session, this.#io, parts.checkpointThresholdBytes);
    this.#changes = new ChangeTracker(session, this.#io);
    this.#statusFeed = new StatusFeed(() => this.status);
    if (live === undefined) return;
    this.#driver = new LiveDriver({
      clock: live.clock,
      waitMs: live.waitMs,
      onState: (state) => this.#stand(state),
      work: {
        hasPending: () => this.#hasPending(),
        push: () => this.#push({}),
        pull: (waitMs) => this.#pull({}, waitMs),
        wake: () => parts.protocol.wake(),
      },
    });
    this.#driver.start();
  }

  /** The local file. */
  get path(): string {
    return this.#parts.session.config.path;
  }

  /**
   * Its change streams, for a replica that was opened with `streams`. What a pull brings is not on them; what they bring
   * is pushed like local changes. Throws `SyncError` `invalid-state` without that option.
   */
  get streams(): DatabaseStreams {
    const { streams } = this.#parts;
    if (streams !== undefined) return streams;
    throw new SyncError("invalid-state", "Open the replica with the option `streams` to use change streams.");
  }

  /** How it stands to the remote, at this moment. Touches no network. */
  get status(): ReplicaStatus {
    return { ...this.#standing, ...this.#readPositions() };
  }

  /**
   * The status as it is, and then each time it is another; ends with `closed`. Who is slow misses what was in between. For
   * `for await`; several may watch.
   */
  watchStatus(): AsyncIterableIterator<ReplicaStatus, undefined> {
    return this.#statusFeed.watch();
  }

  /**
   * Calls the listener after each local commit, and after each pull that has changed something, with the tables concerned,
   * until the function that is returned is called. What changed within one turn of the event loop is told together, soon
   * after it; reading in the listener sees it. What a listener throws becomes an uncaught exception, and disturbs neither
   * the replica nor the others.
   */
  onChange(listener: (changes: TableChanges) => void): () => void {
    return this.#changes.listen(listener);
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
    return await this.#forTheApp(() => this.#pull(options));
  }

  async #pull(options: OperationOptions, waitMs?: () => number): Promise<boolean> {
    const { session } = this.#parts;
    return await this.#pulls.run(async () => {
      await this.#engine.run(() => this.#operate(options, () => resumeApply(session)));
      let outcome = await this.#pullOnce(options, false, waitMs);
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
  async #pullOnce(
    options: OperationOptions,
    exclusive: boolean,
    waitMs?: () => number,
  ): Promise<boolean | "overtaken"> {
    const { session } = this.#parts;
    // What it is with `waitMs` is asked for later.
    const wait = exclusive ? { longPollTimeoutMs: 0 } : waitMs === undefined ? {} : { longPollTimeoutMs: 1 };
    const changes = await this.#operate(options, () => waitChanges(session, wait), waitMs);
    if (changes === undefined) return false;
    const { pageNumbers } = changes.pages;
    const applying = (): Coroutine<boolean> =>
      this.#changes.notingRemote(pageNumbers, applyChanges(session, changes));
    const apply = (): Promise<boolean> => this.#operate(options, applying);
    try {
      if (!(await (exclusive ? apply() : this.#engine.run(apply)))) return "overtaken";
    } finally {
      await runAsync(changes.dispose(), this.#io);
    }
    if (!exclusive && !this.#engine.busy) this.#checkpoints.checkpointIfLarge();
    return true;
  }

  /**
   * Sends the local changes that the remote does not have. What the remote has committed is never applied twice, also
   * when its answer was lost. When the remote refuses a change, its whole batch and all after it
   * stay pending.
   */
  async push(options: OperationOptions = {}): Promise<PushResult> {
    return await this.#forTheApp(() => this.#push(options));
  }

  async #push(options: OperationOptions): Promise<PushResult> {
    return await this.#engine.run(() => this.#operate(options, () => pushChanges(this.#parts.session)));
  }

  /**
   * `push`, then `pull`: afterwards the replica has all that the remote has, its own changes among it. Where the remote
   * refuses a change, what others changed may be why: then it pulls first and pushes once more.
   */
  async sync(options: OperationOptions = {}): Promise<{ readonly pushed: number; readonly pulled: boolean }> {
    return await this.#forTheApp(() => this.#sync(options));
  }

  async #sync(options: OperationOptions): Promise<{ readonly pushed: number; readonly pulled: boolean }> {
    let pulled = false;
    let result: PushResult;
    try {
      result = await this.#push(options);
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== "remote-sql-failed") throw error;
      pulled = await this.#pull(options);
      if (!pulled) throw error;
      result = await this.#push(options);
    }
    return { pushed: result.changes, pulled: (await this.#pull(options)) || pulled };
  }

  /** Moves the write-ahead log into the database file. Happens by itself; needed only to shrink the log at once. */
  async checkpoint(): Promise<void> {
    await this.#engine.run(() => this.#operate({}, () => checkpoint(this.#parts.session)));
  }

  /** Where the replica stands. Touches no network. */
  async stats(): Promise<ReplicaStats> {
    const engine = await this.#engine.run(() => this.#operate({}, () => stats(this.#parts.session)));
    const { bytesSent, bytesReceived } = this.#parts.protocol;
    return { ...engine, bytesSent, bytesReceived, lastCheckpointError: this.#checkpoints.lastError };
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
      this.#isReadable = this.#standing.state !== "closed";
      if (this.#isReadable) this.#driver?.start();
      throw error;
    });
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { session, ports, protocol } = this.#parts;
    this.#closing.abort();
    await this.#driver?.stop();
    await this.#pulls.run(async () => {});
    await this.#engine.run(async () => {
      await rollBack(this.db, this.path, session.config.lockTimeoutMs, ports.clock);
      this.#readPositions();
      this.#isReadable = false;
      // Links end before they meet a database that is closed.
      this.#parts.streams?.close();
      await runAsync(closeReplica(session), this.#io);
      this.#standing = { ...this.#standing, state: "closed", transport: undefined, reason: undefined };
    });
    this.#statusFeed.touch();
    await protocol.close();
  }

  /** Called after each commit of the app: keeps the log from growing without bound. */
  afterLocalCommit(): void {
    this.#afterCommit("local");
    // An operation that runs will be followed by its own check, and owns the connections till then.
    if (!this.#engine.busy) this.#checkpoints.checkpointIfLarge();
  }

  /** Called after each package of a change stream that was applied here. */
  afterStreamPackage(): void {
    this.#afterCommit("stream");
  }

  /** Throws while change streams cannot work: closed, or between two states. */
  checkStreams(): void {
    if (!this.#isReadable) throw new SyncError("invalid-state", "The replica is closed.");
    if (this.#parts.session.applyPending)
      throw new SyncError("database-busy", "A pull is to be finished first: it is with the next operation.");
  }

  #afterCommit(source: TableChanges["source"]): void {
    try {
      this.#changes.noteCommit(source);
    } catch (error) {
      // It is committed all the same.
      this.#noteError(asSyncError(error));
    }
    if (this.#hasNotedCommit) return;
    this.#hasNotedCommit = true;
    // The statement that has committed is still running.
    queueMicrotask(() => {
      this.#hasNotedCommit = false;
      this.#statusFeed.touch();
      this.#driver?.afterCommit();
    });
  }

  /** Runs what the app asks for, and keeps in the status what came of it. */
  async #forTheApp<T>(operation: () => Promise<T>): Promise<T> {
    this.#driver?.yieldTurn();
    try {
      const result = await operation();
      this.#noteError(undefined);
      this.#driver?.tryNow();
      return result;
    } catch (error) {
      const failure = asSyncError(error);
      // Neither who has ended it, nor who has called it too late, wants to know of it as a failure to sync.
      if (failure.code !== "aborted" && failure.code !== "invalid-state") this.#noteError(failure);
      throw error;
    }
  }

  #noteError(lastError: SyncError | undefined): void {
    if (this.#standing.state !== "closed") this.#standing = { ...this.#standing, lastError };
    this.#statusFeed.touch();
  }

  #stand(state: LiveState): void {
    this.#standing = standingOf(state, this.#standing, this.#parts.live?.transport());
    this.#statusFeed.touch();
  }

  #hasPending(): boolean {
    const { committed, acknowledged } = this.#readPositions();
    return this.#parts.session.applyPending || committed > acknowledged;
  }

  /** As they were last known, while there is no tape to look at. */
  #readPositions(): TapePositions {
    const { session } = this.#parts;
    if (this.#isReadable && !session.applyPending)
      this.#positions = runSync(tapePositions(session), this.#io);
    return this.#positions;
  }

  /** Runs an engine procedure that ends when the caller's signal or a close says so. */
  async #operate<T>(
    options: OperationOptions,
    procedure: () => Coroutine<T>,
    waitMs?: () => number,
  ): Promise<T> {
    const closing = this.#closing.signal;
    if (closing.aborted) throw new SyncError("invalid-state", "The replica is closed.");
    const signal = options.signal === undefined ? closing : AbortSignal.any([closing, options.signal]);
    const { protocol } = this.#parts;
    const onBatch = (): void => this.#statusFeed.touch();
    const remote = watchedRemote(protocol.withSignal(signal), { waitMs, onBatch });
    try {
      return await runAsync(this.#changes.notingResumed(procedure()), { ...this.#io, ...remote }, signal);
    } finally {
      this.#statusFeed.touch();
    }
  }
}
