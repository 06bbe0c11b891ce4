import { closeSync } from "node:fs";
import { PageReader } from "../pages/page-reader.js";
import { ReadPin } from "../pages/read-pin.js";
import { RevisionLog } from "../pages/revision-log.js";
import type { Snapshot } from "../pages/snapshot.js";
import { SnapshotStore } from "../pages/snapshot-store.js";
import type { ServerClock, ServerTimer } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import { SqlConnection } from "../sql/sql-connection.js";
import { WriterQueue } from "../sql/writer-queue.js";
import type { ResolvedServerOptions } from "../sync-server-options.js";
import { WalTracker } from "../wal/wal-tracker.js";
import { CommitWaiters } from "./commit-waiters.js";
import { type DatabaseFile, openDatabaseFile } from "./database-file.js";
import { openConnection } from "./open-connection.js";

/** One database that the server holds: its revisions, their pages, its connections. Knows nothing of HTTP. */
export class ServerDatabase {
  readonly clock: ServerClock;
  readonly options: ResolvedServerOptions;
  readonly log: RevisionLog;
  readonly snapshots: SnapshotStore;
  readonly writers: WriterQueue;
  readonly commitWaiters: CommitWaiters;
  readonly #file: DatabaseFile;
  readonly #wal: WalTracker;
  readonly #pages: PageReader;
  readonly #connections = new Set<SqlConnection>();
  #timer: ServerTimer | undefined;
  #closed = false;

  /** Opens or creates the file. Throws `ServerError`. */
  constructor(options: ResolvedServerOptions) {
    const { path, clock, walLimitBytes } = options;
    this.options = options;
    this.clock = clock;
    this.writers = new WriterQueue(clock, options.lockTimeoutMs);
    this.commitWaiters = new CommitWaiters(clock);
    this.#file = openDatabaseFile(path, walLimitBytes);
    const { descriptor, keeper } = this.#file;
    const openReader = () => openConnection(path, walLimitBytes);
    let firstPin: ReadPin | undefined;
    try {
      firstPin = new ReadPin(openReader(), clock.now());
      // The read above made sure that the file exists.
      this.#wal = new WalTracker(`${path}-wal`);
    } catch (error) {
      firstPin?.release();
      keeper.close();
      closeSync(descriptor);
      throw new ServerError("cannot-open", `cannot read ${path}`, error);
    }
    this.log = new RevisionLog(
      this.#wal,
      () => Number(keeper.pragma("page_count", { simple: true })),
      () => this.commitWaiters.wakeAll(),
    );
    this.#pages = new PageReader(descriptor, this.#wal, this.log);
    this.snapshots = new SnapshotStore({
      wal: this.#wal,
      log: this.log,
      firstPin,
      openReader,
      checkpoint: () => this.#moveFrames(),
      clock,
      retentionMs: options.snapshotRetentionMs,
      walLimitBytes,
    });
    this.snapshots.checkpoint();
    this.#watch();
  }

  /** Looks for new commits and tells those who wait for one. */
  sync(): void {
    this.#assertOpen();
    if (this.log.sync()) this.snapshots.maintain();
  }

  /** Fills `target` with pages of a snapshot, back to back. Throws `ServerError`. */
  readPages(snapshot: Snapshot, pageIds: Uint32Array, target: Uint8Array): void {
    // The descriptors may belong to other files by now.
    this.#assertOpen();
    this.#pages.read(snapshot, pageIds, target);
  }

  /** A connection of its own, for one Hrana stream. Close it with `closeConnection`. */
  connect(): SqlConnection {
    this.#assertOpen();
    const connection = new SqlConnection(openConnection(this.options.path, this.options.walLimitBytes));
    this.#connections.add(connection);
    return connection;
  }

  /** Rolls back what is open on a connection and closes it. */
  closeConnection(connection: SqlConnection): void {
    if (!this.#connections.delete(connection)) return;
    connection.close();
    if (!this.#closed) this.writers.advance();
  }

  /** Rolls everything back and closes the file. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.writers.close();
    this.commitWaiters.wakeAll();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    this.snapshots.close();
    this.#wal.close();
    this.#file.keeper.close();
    closeSync(this.#file.descriptor);
  }

  #assertOpen(): void {
    if (this.#closed) throw new ServerError("closed", "the database is closed");
  }

  #moveFrames(): number | undefined {
    const [result] = this.#file.keeper.pragma("wal_checkpoint(PASSIVE)") as CheckpointResult[];
    if (result === undefined || result.busy !== 0 || result.log !== result.checkpointed) return undefined;
    return result.log;
  }

  #watch(): void {
    const { foreignCommitCheckMs } = this.options;
    if (foreignCommitCheckMs === 0) return;
    this.#timer = this.clock.startTimer(foreignCommitCheckMs, () => {
      this.sync();
      this.snapshots.maintain();
      this.#watch();
    });
  }
}

interface CheckpointResult {
  readonly busy: number;
  /** Frames in the WAL. */
  readonly log: number;
  /** Frames of them that are in the database file. */
  readonly checkpointed: number;
}
