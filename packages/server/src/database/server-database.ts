import { closeSync, fstatSync, statSync } from "node:fs";
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
import { SqlConnection } from "../sql/sql-connection.js";
import { WriterQueue } from "../sql/writer-queue.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import { WalTracker } from "../wal/wal-tracker.js";
import { CommitListeners } from "./commit-listeners.js";
import { CommitWaiters } from "./commit-waiters.js";
import { type DatabaseFile, explainOpenFailure, openDatabaseFile } from "./database-file.js";
import { Maintenance } from "./maintenance.js";
import { type Connection, openConnection } from "./open-connection.js";

/** One database that the server holds: its revisions, their pages, its connections. Knows nothing of HTTP. */
export class ServerDatabase {
  readonly clock: ServerClock;
  readonly options: ResolvedServerOptions;
  readonly log: RevisionLog;
  readonly snapshots: SnapshotStore;
  readonly writers: WriterQueue;
  readonly commitWaiters: CommitWaiters;
  readonly #listeners = new CommitListeners();
  readonly #maintenance: Maintenance;
  readonly #file: DatabaseFile;
  readonly #wal: WalTracker;
  readonly #pages: PageReader;
  readonly #store: RevisionStore;
  readonly #connections = new Set<SqlConnection>();
  #timer: ServerTimer | undefined;
  #closed = false;
  #isMoved = false;

  /** Opens or creates the file. Throws `ServerError`. */
  constructor(options: ResolvedServerOptions) {
    const { path, clock, walLimitBytes } = options;
    this.options = options;
    this.clock = clock;
    this.writers = new WriterQueue(clock, options.lockTimeoutMs);
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
      wal = new WalTracker(`${path}-wal`);
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
    const isAllMoved = (): boolean => countMovedFrames(keeper) === (this.#wal.generation?.frames ?? 0);
    this.#store = new RevisionStore({ file: revisions, log: this.log, wal, descriptor, isAllMoved });
    this.#save(false);
    this.#pages = new PageReader(descriptor, this.#wal, this.log);
    this.snapshots = new SnapshotStore({
      wal,
      log: this.log,
      firstPin,
      openReader,
      moveFrames: () => void keeper.pragma("wal_checkpoint(PASSIVE)"),
      isAllMoved,
      maintenance: this.#maintenance,
      clock,
      retentionMs: options.snapshotRetentionMs,
      retentionBytes: options.snapshotRetentionBytes,
      walLimitBytes,
      save: () => this.#save(true),
    });
    this.#maintenance.run("checkpoint", () => void this.snapshots.checkpoint());
    this.#watch();
  }

  /** Why housekeeping does not get on; undefined if all is well. */
  get maintenanceError(): unknown {
    return this.#maintenance.error;
  }

  /** Looks for new commits and tells those who wait for one. Throws `ServerError`, or an error of Node. */
  sync(): void {
    this.assertUsable();
    const isNew = this.log.sync();
    if (this.#store.isUrgent) this.#save(true);
    if (isNew) this.snapshots.maintain();
  }

  /** The same where somebody has an answer already, which must not be lost: never throws. */
  trySync(): void {
    if (!this.#closed) this.#maintenance.run("watch", () => this.sync());
  }

  /** Throws `ServerError` "closed" or "database-changed". */
  assertUsable(): void {
    if (this.#closed) throw new ServerError("closed", "the database is closed");
    if (!this.#isMoved) return;
    throw new ServerError(
      "database-changed",
      `${this.options.path} is no longer the file that was opened: put it back, or restart the server`,
    );
  }

  /** Fills `target` with pages of a snapshot, back to back. Throws `ServerError`. */
  readPages(snapshot: Snapshot, pageIds: Uint32Array, target: Uint8Array): void {
    // The descriptors may belong to other files by now.
    this.assertUsable();
    this.#pages.read(snapshot, pageIds, target);
  }

  /** A connection of its own, for one Hrana stream. Close it with `closeConnection`. */
  connect(): SqlConnection {
    // Before SQLite would open, or create, another file by that name.
    if (!this.#closed) this.#checkFile();
    this.assertUsable();
    const connection = new SqlConnection(this.#open(), () => this.trySync());
    this.#connections.add(connection);
    return connection;
  }

  #open(): Connection {
    try {
      return openConnection(this.options.path, this.options.walLimitBytes);
    } catch (error) {
      throw new ServerError("cannot-open", "cannot open another connection: try again later", error);
    }
  }

  /** Rolls back what is open on a connection and closes it. */
  closeConnection(connection: SqlConnection): void {
    if (!this.#connections.delete(connection)) return;
    connection.close();
    if (!this.#closed) this.writers.advance();
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

  /** Rolls everything back, saves the revisions, and closes the file. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.writers.close();
    this.commitWaiters.wakeAll();
    this.#listeners.clear();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    this.snapshots.forgetAll();
    if (!this.#isMoved) this.#maintenance.run("checkpoint", () => this.#settle());
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
        this.#maintenance.run("watch", () => this.sync());
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
    this.snapshots.checkpoint();
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

function openRevisionFile(path: string): RevisionFile {
  try {
    return new RevisionFile(path);
  } catch (error) {
    throw new ServerError("cannot-open", explainOpenFailure(path, error), error);
  }
}

/** The number of frames in the WAL if all of them are in the file. */
function countMovedFrames(keeper: Connection): number | undefined {
  // SQLite before 3.51 takes the unknown mode for PASSIVE, which is dearer but right as well.
  const [result] = keeper.pragma("wal_checkpoint(NOOP)") as CheckpointResult[];
  if (result === undefined || result.busy !== 0 || result.log !== result.checkpointed) return undefined;
  return result.log;
}

interface CheckpointResult {
  readonly busy: number;
  /** Frames in the WAL. */
  readonly log: number;
  /** Frames of them that are in the database file. */
  readonly checkpointed: number;
}
