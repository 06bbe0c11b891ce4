import { closeSync, fstatSync, statSync } from "node:fs";
import { frameOffset } from "@tributary/core";
import type { DatabaseStatus } from "../databases/databases.js";
import { openBranchStore } from "../offline/file-branch-store.js";
import type { OfflineReplicas } from "../offline/offline-replicas.js";
import { openOfflineReplicas } from "../offline/open-offline-replicas.js";
import { settledPosition } from "../offline/settled-position.js";
import { PageReader } from "../pages/page-reader.js";
import { ReadPin } from "../pages/read-pin.js";
import { formatRevision } from "../pages/revision.js";
import { RevisionLog } from "../pages/revision-log.js";
import type { Snapshot } from "../pages/snapshot.js";
import { SnapshotStore } from "../pages/snapshot-store.js";
import { readFileStamp, settlesIn } from "../revisions/file-stamp.js";
import { RevisionFile } from "../revisions/revision-file.js";
import { RevisionStore } from "../revisions/revision-store.js";
import type { ServerClock, ServerTimer } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import type { DatabaseOptions } from "../sync-server-options.js";
import { LogRoom } from "../wal/log-room.js";
import { WalTracker } from "../wal/wal-tracker.js";
import { WriteLock } from "../workers/write-lock.js";
import { CommitListeners } from "./commit-listeners.js";
import { CommitWaiters } from "./commit-waiters.js";
import { type DatabaseFile, explainOpenFailure, openDatabaseFile } from "./database-file.js";
import { type DatabaseJobs, inlineJobs } from "./database-jobs.js";
import { Maintenance } from "./maintenance.js";
import { type Connection, openConnection } from "./open-connection.js";
import { OpenTransactions } from "./open-transactions.js";
import { runInTurn } from "./run-in-turn.js";

/** One database that the server holds: its revisions, their pages, its connections. Knows nothing of HTTP. */
export class ServerDatabase {
  readonly clock: ServerClock;
  readonly options: DatabaseOptions;
  readonly log: RevisionLog;
  readonly snapshots: SnapshotStore;
  readonly writeLock: WriteLock;
  readonly transactions: OpenTransactions;
  readonly commitWaiters: CommitWaiters;
  readonly #listeners = new CommitListeners();
  readonly #maintenance: Maintenance;
  readonly #file: DatabaseFile;
  readonly #wal: WalTracker;
  readonly #room: LogRoom;
  readonly #pages: PageReader;
  readonly #store: RevisionStore;
  #offline: OfflineReplicas | undefined;
  #timer: ServerTimer | undefined;
  #readingAhead: Promise<void> | undefined;
  #closed = false;
  #isMoved = false;

  /** Opens or creates the file. `jobs` do what takes long. Throws `ServerError`. */
  constructor(options: DatabaseOptions, jobs: DatabaseJobs = inlineJobs) {
    const { path, clock, walLimitBytes } = options;
    this.options = options;
    this.clock = clock;
    this.writeLock = new WriteLock(clock, options);
    this.transactions = new OpenTransactions(clock, options.transactionTimeoutMs);
    this.commitWaiters = new CommitWaiters(clock);
    this.#maintenance = new Maintenance(clock);
    this.#file = openDatabaseFile(path, walLimitBytes);
    const { descriptor, keeper } = this.#file;
    const openReader = () => openConnection(path, walLimitBytes);
    let firstPin: ReadPin | undefined;
    let wal: WalTracker | undefined;
    let revisions: RevisionFile | undefined;
    try {
      firstPin = new ReadPin(openReader(), clock.now());
      // The read above made sure that the file exists.
      wal = new WalTracker(`${path}-wal`, () => checkpointState(keeper)?.log);
      revisions = openRevisionFile(`${path}-revisions`);
      this.log = new RevisionLog({
        wal,
        readDatabaseSize: () => Number(keeper.pragma("page_count", { simple: true })),
        announce: () => this.#announce(),
        saved: revisions.takeSaved(),
        stamp: readFileStamp(descriptor),
      });
    } catch (error) {
      revisions?.close();
      wal?.close();
      firstPin?.release();
      keeper.close();
      closeSync(descriptor);
      if (error instanceof ServerError) throw error;
      throw new ServerError("cannot-open", `cannot read ${path}`, error);
    }
    this.#wal = wal;
    this.#room = new LogRoom(`${path}-wal`, walLimitBytes);
    const framesToMove = (): number => countFramesToMove(keeper, this.#wal.generation?.frames ?? 0);
    const isAllMoved = (): boolean => framesToMove() === 0;
    this.#store = new RevisionStore({ file: revisions, log: this.log, wal, descriptor, isAllMoved });
    this.#save(false);
    this.#pages = new PageReader(descriptor, this.#wal, this.log);
    this.snapshots = new SnapshotStore({
      wal,
      log: this.log,
      firstPin,
      openReader,
      moveFrames: () => {
        // Before another file by that name is checkpointed.
        this.#checkFile();
        this.assertUsable();
        return jobs.checkpoint(path);
      },
      moveFewFrames: () => void keeper.pragma("wal_checkpoint(PASSIVE)"),
      whileNobodyWrites: (run) => runInTurn(this.writeLock, run, false),
      framesToMove,
      maintenance: this.#maintenance,
      clock,
      retentionMs: options.snapshotRetentionMs,
      retentionBytes: options.snapshotRetentionBytes,
      walLimitBytes,
      save: () => this.#save(true),
    });
    void this.#maintenance.runAsync("checkpoint", () => this.snapshots.checkpoint());
    this.#watch();
  }

  /** What is known of it, cheap to have. */
  status(): Omit<DatabaseStatus, "name" | "isOpen" | "streams"> {
    this.#assertOpen();
    const error = this.maintenanceError;
    return {
      databaseBytes: fstatSync(this.#file.descriptor).size,
      walBytes: this.#walBytes,
      revision: formatRevision(this.log.current),
      waiters: this.commitWaiters.size,
      waitingWriters: this.writeLock.waiting,
      maintenanceError:
        error === undefined ? undefined : error instanceof Error ? error.message : String(error),
    };
  }

  /** Its offline replicas. Throws `ServerError`, or an error of Node where what is kept for them cannot be read. */
  get offline(): OfflineReplicas {
    this.assertUsable();
    const { path, walLimitBytes } = this.options;
    this.#offline ??= openOfflineReplicas({
      database: this,
      store: openBranchStore(`${path}-offline`, { now: Date.now }),
      mergedPosition: (clientId) => {
        this.assertInPlace();
        return settledPosition(path, walLimitBytes, clientId);
      },
      timeOfDay: Date.now,
    });
    return this.#offline;
  }

  /** Length of the log up to the last committed frame. */
  get #walBytes(): number {
    const { generation } = this.#wal;
    return generation === undefined ? 0 : frameOffset(generation.frames + 1);
  }

  /**
   * Moves the WAL into the file as far as possible: through the jobs, so at once if they answer at once. What goes wrong is
   * `maintenanceError`.
   */
  checkpoint(): void | Promise<void> {
    if (this.#closed || this.#isMoved) return;
    this.snapshots.forgetUnread();
    return this.#maintenance.runAsync("checkpoint", () => this.snapshots.checkpoint());
  }

  /**
   * Does beforehand what makes `close` take long: the checkpoint, and waiting for the tick of the file system's clock. The
   * database can be used meanwhile, and afterwards. Never rejects.
   */
  async prepareClose(): Promise<void> {
    await this.checkpoint();
    if (this.#closed) return;
    const milliseconds = settlesIn(readFileStamp(this.#file.descriptor));
    if (milliseconds === 0 || milliseconds > LONGEST_SETTLING_MS) return;
    await new Promise<void>((resolve) => void this.clock.startTimer(milliseconds, resolve));
  }

  /** Why housekeeping does not get on; undefined if all is well. */
  get maintenanceError(): unknown {
    return this.#maintenance.error;
  }

  /**
   * Where much was committed, reads it in pieces that let others on, so that the `sync` that follows is short. Undefined if
   * there is little, which is the rule. Never rejects.
   */
  readAhead(): Promise<void> | undefined {
    if (this.#readingAhead === undefined && this.#readPiece()) {
      this.#readingAhead = this.#readPieces().finally(() => {
        this.#readingAhead = undefined;
      });
    }
    return this.#readingAhead;
  }

  async #readPieces(): Promise<void> {
    do await new Promise(setImmediate);
    while (this.#readPiece());
  }

  /** True if there is more. What fails here fails in `sync` as well, where it is told. */
  #readPiece(): boolean {
    let isMore = false;
    const read = (): boolean => this.#wal.readAhead(FRAMES_PER_PIECE);
    if (this.#closed) return isMore;
    this.#maintenance.run("watch", () => {
      isMore = read();
    });
    return isMore;
  }

  /** Looks for new commits and tells those who wait for one. Throws `ServerError`, or an error of Node. */
  sync(): void {
    this.assertUsable();
    const isNew = this.log.sync();
    if (this.#store.isUrgent) this.#save(true);
    if (this.#walBytes > Math.max(this.options.snapshotRetentionBytes, this.options.walLimitBytes)) {
      this.transactions.takeOld();
    }
    if (!isNew) return;
    this.snapshots.maintain();
    this.#room.keepRoom(this.#walBytes);
  }

  /** The same where somebody has an answer already, which must not be lost: never throws. Later, where there is much to read. */
  trySync(): void {
    if (this.#closed) return;
    const reading = this.readAhead();
    if (reading === undefined) this.#maintenance.run("watch", () => this.sync());
    else void reading.then(() => this.trySync());
  }

  /** Throws `ServerError` "closed" or "database-changed". */
  assertUsable(): void {
    this.#assertOpen();
    if (!this.#isMoved) return;
    throw new ServerError(
      "database-changed",
      `${this.options.path} is no longer the file that was opened: put it back, or restart the server`,
    );
  }

  #assertOpen(): void {
    if (this.#closed) throw new ServerError("closed", "the database is closed");
  }

  /** Fills `target` with pages of a snapshot, back to back. Throws `ServerError`. */
  readPages(snapshot: Snapshot, pageIds: Uint32Array, target: Uint8Array): void {
    // The descriptors may belong to other files by now.
    this.assertUsable();
    this.#pages.read(snapshot, pageIds, target);
  }

  /** To be called before a connection is opened by its path: SQLite would open, or create, another file there. Throws `ServerError`. */
  assertInPlace(): void {
    if (!this.#closed) this.#checkFile();
    this.assertUsable();
  }

  /**
   * Calls `listener` after each commit, with the newest revision: at once for commits made through this object, at the
   * next look for those of other programs. Commits that are found together are told together. Gives the function that
   * ends it. What the listener throws is nobody's to catch.
   */
  subscribe(listener: (revision: string) => void): () => void {
    this.assertUsable();
    return this.#listeners.add(listener);
  }

  /**
   * Rolls everything back, saves the revisions, and closes the file. Takes a while unless `prepareClose` came before.
   * Calling it again does nothing. `comesBack`: false where the file is deleted next, and nothing need be saved.
   */
  close(comesBack = true): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#offline?.close();
    this.writeLock.close();
    this.commitWaiters.wakeAll();
    this.#listeners.clear();
    this.snapshots.forgetAll();
    if (comesBack && !this.#isMoved) this.#maintenance.runAnyway("checkpoint", () => this.#settle());
    this.snapshots.close();
    this.#store.close();
    this.#wal.close();
    this.#file.keeper.close();
    closeSync(this.#file.descriptor);
  }

  #watch(): void {
    const { foreignCommitCheckMs } = this.options;
    if (foreignCommitCheckMs === 0) return;
    this.#timer = this.clock.startTimer(foreignCommitCheckMs, () => {
      try {
        this.#maintenance.run("file", () => this.#checkFile());
        this.trySync();
        if (!this.#closed) this.#save(false);
        this.snapshots.maintain();
      } finally {
        // Whoever is woken above may close the server.
        if (!this.#closed) this.#watch();
      }
    });
  }

  #announce(): void {
    this.commitWaiters.wakeAll();
    this.#listeners.tell(formatRevision(this.log.current));
  }

  /** Revisions that cannot be saved fail nothing now: they are lost if the process ends before they can. */
  #save(durably: boolean): void {
    this.#maintenance.run("revisions", () => this.#store.save(durably));
  }

  /**
   * Moves all of the WAL into the file, which SQLite does at the last close, and saves what the file then is. Waits for
   * the next tick of the file system's clock first, 20 ms at most: else a write by somebody who comes right after might not
   * show.
   */
  #settle(): void {
    this.snapshots.checkpointNow();
    const milliseconds = settlesIn(readFileStamp(this.#file.descriptor));
    if (milliseconds > LONGEST_SETTLING_MS) return;
    if (milliseconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    this.log.sync();
    this.#store.save(true);
  }

  /** Finds out whether the path still leads to the file that is open, and not to one that was moved over it. */
  #checkFile(): void {
    const opened = fstatSync(this.#file.descriptor, { bigint: true });
    const found = statSync(this.options.path, { bigint: true, throwIfNoEntry: false });
    const wasMoved = this.#isMoved;
    this.#isMoved = found === undefined || found.dev !== opened.dev || found.ino !== opened.ino;
    // They are answered with the error.
    if (this.#isMoved && !wasMoved) this.commitWaiters.wakeAll();
  }
}

/** With clocks that are coarser than that, closing does not wait, and the next start cannot tell what happened meanwhile. */
const LONGEST_SETTLING_MS = 50;

/** 2 MiB of the WAL: some milliseconds. */
const FRAMES_PER_PIECE = 512;

function openRevisionFile(path: string): RevisionFile {
  try {
    return new RevisionFile(path);
  } catch (error) {
    throw new ServerError("cannot-open", explainOpenFailure(path, error), error);
  }
}

/** The number of frames in the WAL that are not in the file; `Infinity` if there are others than those seen, or it cannot be told. */
function countFramesToMove(keeper: Connection, seen: number): number {
  const result = checkpointState(keeper);
  if (result === undefined || result.log !== seen) return Number.POSITIVE_INFINITY;
  return result.log - result.checkpointed;
}

/** Undefined if it cannot be told. */
function checkpointState(keeper: Connection): CheckpointResult | undefined {
  // SQLite before 3.51 takes the unknown mode for PASSIVE, which is dearer but right as well.
  const [result] = keeper.pragma("wal_checkpoint(NOOP)") as CheckpointResult[];
  return result?.busy === 0 ? result : undefined;
}

interface CheckpointResult {
  readonly busy: number;
  /** Frames in the WAL. */
  readonly log: number;
  /** Frames of them that are in the database file. */
  readonly checkpointed: number;
}
