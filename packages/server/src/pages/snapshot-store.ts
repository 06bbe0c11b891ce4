import { FRAME_SIZE, type FrameIndex, frameOffset } from "@tributary/core";
import type { Maintenance } from "../database/maintenance.js";
import type { Connection } from "../database/open-connection.js";
import type { ServerClock } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import type { WalTracker } from "../wal/wal-tracker.js";
import { ReadPin } from "./read-pin.js";
import { formatRevision, type Revision, sameRevision } from "./revision.js";
import type { RevisionLog } from "./revision-log.js";
import type { Snapshot } from "./snapshot.js";

/** Options of {@link SnapshotStore}. */
export interface SnapshotStoreOptions {
  readonly wal: WalTracker;
  readonly log: RevisionLog;
  /** The pin that was held before the log was made, so that its first scan is covered. */
  readonly firstPin: ReadPin;
  /** Opens a connection for a new pin. */
  readonly openReader: () => Connection;
  /** Moves what it can from the WAL to the file, elsewhere if it gives a promise. */
  readonly moveFrames: () => void | Promise<void>;
  /** The same in this thread, for what does not take long. */
  readonly moveFewFrames: () => void;
  /** Gives what `run` gives, which runs while nobody writes, at once or later; false if that does not come about. */
  readonly whileNobodyWrites: (run: () => boolean) => boolean | Promise<boolean>;
  /**
   * How many of the frames seen in the WAL are not in the file, whoever moves them; `Infinity` if there are frames that
   * were not seen, or it cannot be told. Moves nothing.
   */
  readonly framesToMove: () => number;
  readonly maintenance: Maintenance;
  readonly clock: ServerClock;
  readonly retentionMs: number;
  /** Longest WAL with which revisions are kept that somebody may come back for, bytes. */
  readonly retentionBytes: number;
  readonly walLimitBytes: number;
  /** Called before frames are moved into the file, and when they have been. */
  readonly save: () => void;
}

/** A pin serves the revisions after it too, so new ones are opened only this often per retention window. */
const PINS_PER_RETENTION = 8;

/** So many frames are moved in a few milliseconds: 1 MiB. */
const FEW_FRAMES = 256;

/**
 * Keeps revisions readable for as long as somebody reads them or may come back for them, and checkpoints the WAL when
 * nobody stands in the way. There is always a pin: a new one is opened before the old one is let go.
 */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  /** By sequence; the one that was used longest ago comes first. */
  readonly #snapshots = new Map<number, Snapshot>();
  #history: number;
  #newestPin: ReadPin;
  /** No new attempt at a checkpoint of this WAL before it has so many frames. */
  #nextAttempt: { readonly generation: FrameIndex | undefined; readonly frames: number } | undefined;
  /** A checkpoint that is under way elsewhere: there is one at a time. */
  #running: Promise<boolean> | undefined;
  #closed = false;

  constructor(options: SnapshotStoreOptions) {
    this.#options = options;
    this.#history = options.log.history;
    this.#newestPin = options.firstPin;
  }

  /** The current revision, to be read until `release`. Call right after a sync of the log. */
  acquireCurrent(wanted: boolean): Snapshot {
    const { log, clock, retentionMs, wal, maintenance } = this.#options;
    this.#expire();
    const age = clock.now() - this.#newestPin.openedAt;
    // Where that fails, the pin there is serves as well: it is only older than it need be.
    if (age > retentionMs / PINS_PER_RETENTION && !this.#snapshots.has(log.current.sequence))
      maintenance.run("pin", () => void this.#renewPin());
    this.#forgetOldHistory();
    const revision = log.current;
    let snapshot = this.#snapshots.get(revision.sequence);
    if (snapshot === undefined) {
      snapshot = {
        revision,
        history: log.history,
        databaseSize: log.databaseSize,
        generation: wal.generation,
        frameLimit: wal.generation?.frames ?? 0,
        pin: this.#newestPin.retain(),
        readers: 0,
        lastUsedAt: 0,
        wanted: false,
      };
    }
    return this.#use(snapshot, wanted);
  }

  /** A revision told to a client earlier, to be read until `release`. Throws `ServerError` "revision-expired". */
  acquire(revision: Revision): Snapshot {
    this.#expire();
    this.#forgetOldHistory();
    const snapshot = this.#snapshots.get(revision.sequence);
    if (sameRevision(snapshot?.revision, revision)) return this.#use(snapshot as Snapshot, true);
    if (sameRevision(revision, this.#options.log.current)) return this.acquireCurrent(true);
    throw new ServerError(
      "revision-expired",
      `revision ${formatRevision(revision)} is no longer available: ask for the latest one and start over`,
    );
  }

  /** Ends what `acquire` began. */
  release(snapshot: Snapshot): void {
    snapshot.readers -= 1;
    const isKept = this.#snapshots.get(snapshot.revision.sequence) === snapshot;
    if (isKept) this.#noteUse(snapshot);
    // Of a history that is gone: nobody will find it again.
    else if (snapshot.readers === 0) snapshot.pin.release();
    this.#nextAttempt = undefined;
  }

  /**
   * Lets go of what nobody needs, and checkpoints the WAL if it is too long. Cheap when there is nothing to do, and best
   * effort: never throws.
   */
  maintain(): void {
    this.#expire();
    this.#forgetOldHistory();
    const { wal, walLimitBytes } = this.#options;
    const generation = wal.generation;
    if (generation === undefined || byteLengthOf(generation) <= walLimitBytes) return;
    const next = this.#nextAttempt;
    if (this.#running !== undefined || (next?.generation === generation && generation.frames < next.frames))
      return;
    for (const snapshot of this.#snapshots.values()) if (snapshot.readers > 0) return;
    this.#expire(true);
    if (this.#snapshots.size > 0) return;
    const note = (mayStartOver: boolean): void => {
      // A transaction of somebody's is in the way, and what it costs to try again grows with the WAL; or one keeps the next
      // commit from starting the WAL over, but hardly for long.
      const share = mayStartOver ? 64 : 4;
      const frames = (wal.generation?.frames ?? 0) + Math.ceil(walLimitBytes / FRAME_SIZE / share);
      this.#nextAttempt = { generation: wal.generation, frames };
    };
    void this.#options.maintenance.runAsync("checkpoint", () => {
      const result = this.checkpoint();
      return result instanceof Promise ? result.then(note) : note(result);
    });
  }

  /**
   * Moves the whole WAL into the file, so that the next commit starts it anew. False if somebody is in the way.
   *
   * Where many frames are moved elsewhere, everything goes on meanwhile: commits, pulls, pins that come and go, saves. That
   * is what it is when another program checkpoints, which may happen at any time, and it is right for the same reasons:
   * - Frames are moved up to the oldest reader's state only. There is always a pin, begun before the latest scan: nothing
   *   is moved that was not seen, and no commit can start the WAL over before a pin stands on the file alone, which only
   *   `#renewPin` finds out, and never before all of the WAL was moved and synced.
   * - A snapshot finds each page in the WAL where its generation has it there, whether that was moved or not. In the file it
   *   looks only for pages without a frame up to its limit, and what is moved over those is of its own pin's state or older.
   * - What is saved meanwhile says "the file that looks like this, with so many frames over it". Frames that are moved
   *   later are among these, or behind them and still in the WAL: laid over the file, they make the same state again. That
   *   the file stands alone is said only if all was moved before the look at it.
   * - A process that is killed in between leaves a file that does not look as it was saved, or does: then history ends, or
   *   goes on from that record with the whole WAL still there.
   */
  checkpoint(): boolean | Promise<boolean> {
    if (this.#running !== undefined) return this.#running;
    const { moveFrames, save, framesToMove } = this.#options;
    this.#renewPin();
    save();
    if (framesToMove() <= FEW_FRAMES) return this.#follow(this.#finishCheckpoint());
    const moved = moveFrames();
    if (!(moved instanceof Promise)) return this.#follow(this.#finishCheckpoint());
    return this.#follow(
      moved.then(() => {
        if (this.#closed) return false;
        // Behind the commits that came meanwhile.
        this.#renewPin();
        save();
        return this.#finishCheckpoint();
      }),
    );
  }

  /** The same in this thread, whatever it costs. */
  checkpointNow(): boolean | Promise<boolean> {
    this.#renewPin();
    this.#options.save();
    this.#options.moveFewFrames();
    return this.#finishCheckpoint();
  }

  #follow(result: boolean | Promise<boolean>): boolean | Promise<boolean> {
    if (!(result instanceof Promise)) return result;
    this.#running = result.finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** What is left when most frames have been moved. */
  #finishCheckpoint(): boolean | Promise<boolean> {
    const { moveFewFrames, framesToMove, save, whileNobodyWrites, log } = this.#options;
    const left = framesToMove();
    if (left > 0 && left <= FEW_FRAMES) moveFewFrames();
    if (framesToMove() === 0) {
      const mayStartOver = this.#renewPin();
      save();
      return mayStartOver;
    }
    save();
    // More than a few are worth another attempt, which moves them elsewhere again. Commits just made have to be seen first.
    log.sync();
    if (framesToMove() > FEW_FRAMES) return false;
    this.#expire(true);
    if (this.#snapshots.size > 0) return false;
    return whileNobodyWrites(() => this.#moveRest());
  }

  /**
   * Where others commit all the time there is always one more frame: nobody may commit for the moment it takes to move the
   * last few and to begin a reader behind them. False if another program writes just now, or somebody stands in the way.
   */
  #moveRest(): boolean {
    if (this.#closed || this.#snapshots.size > 0) return false;
    const { openReader, moveFewFrames, framesToMove, save } = this.#options;
    const connection = openReader();
    try {
      connection.exec("BEGIN IMMEDIATE");
      this.#renewPin();
      if (framesToMove() > FEW_FRAMES) return false;
      save();
      moveFewFrames();
      const mayStartOver = framesToMove() === 0 && this.#renewPin();
      save();
      return mayStartOver;
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    } finally {
      connection.close();
    }
  }

  /** Forgets every revision but the current one. Downloads under way can no longer be trusted to be consistent. */
  forgetAll(): void {
    for (const snapshot of this.#snapshots.values()) snapshot.pin.release();
    this.#snapshots.clear();
  }

  /** Forgets what nobody is reading now, though somebody might come back for it. */
  forgetUnread(): void {
    for (const snapshot of this.#snapshots.values()) if (snapshot.readers === 0) this.#forget(snapshot);
  }

  /** Ends every read transaction. A checkpoint that is under way elsewhere may go on, and is not followed any more. */
  close(): void {
    this.#closed = true;
    this.forgetAll();
    this.#newestPin.release();
  }

  #use(snapshot: Snapshot, wanted: boolean): Snapshot {
    snapshot.readers += 1;
    snapshot.wanted ||= wanted;
    this.#noteUse(snapshot);
    return snapshot;
  }

  #noteUse(snapshot: Snapshot): void {
    const { sequence } = snapshot.revision;
    snapshot.lastUsedAt = this.#options.clock.now();
    this.#snapshots.delete(sequence);
    this.#snapshots.set(sequence, snapshot);
  }

  /**
   * Opens a pin at the newest state and lets go of the one before. True if it stands on the file alone, because all of
   * the WAL was there already, whoever moved it: then the next commit may start the WAL over.
   */
  #renewPin(): boolean {
    const { openReader, clock, log, maintenance } = this.#options;
    const pin = new ReadPin(openReader(), clock.now());
    let standsOnFile: boolean;
    try {
      // Pin first, scan second: whatever the pin stands on has then been seen.
      log.sync();
      // Asked while the pin before it still holds. A pin on the WAL keeps frames behind it out of the file, one on the
      // file keeps out all of them: that every frame seen has been moved means that none is behind this pin.
      standsOnFile = this.#options.framesToMove() === 0;
    } catch (error) {
      pin.release();
      throw error;
    }
    if (standsOnFile) log.expectRestart();
    const previous = this.#newestPin;
    this.#newestPin = pin;
    previous.release();
    maintenance.noteSuccess("pin");
    return standsOnFile;
  }

  #expire(walTooLong = false): void {
    const { clock, retentionMs, retentionBytes, wal, walLimitBytes } = this.#options;
    const expiry = clock.now() - retentionMs;
    const length = wal.generation === undefined ? 0 : byteLengthOf(wal.generation);
    for (const snapshot of this.#snapshots.values()) {
      // Every pull comes here, and there may be one snapshot for each commit of the last minute: those behind are younger.
      if (!walTooLong && snapshot.lastUsedAt >= expiry) return;
      if (snapshot.readers > 0) continue;
      const limit = snapshot.wanted ? Math.max(retentionBytes, walLimitBytes) : walLimitBytes;
      if (snapshot.lastUsedAt < expiry || (walTooLong && length > limit)) this.#forget(snapshot);
    }
  }

  #forgetOldHistory(): void {
    const { history } = this.#options.log;
    if (history === this.#history) return;
    this.#history = history;
    for (const snapshot of this.#snapshots.values()) this.#forget(snapshot);
  }

  #forget(snapshot: Snapshot): void {
    this.#snapshots.delete(snapshot.revision.sequence);
    if (snapshot.readers === 0) snapshot.pin.release();
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}

/** Length of the log up to the last committed frame, bytes. */
function byteLengthOf(generation: FrameIndex): number {
  return frameOffset(generation.frames + 1);
}
