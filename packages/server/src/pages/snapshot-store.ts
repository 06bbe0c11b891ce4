import { FRAME_SIZE, type FrameIndex, frameOffset } from "@tributary/core";
import type { Maintenance } from "../database/maintenance.js";
import type { Connection } from "../database/open-connection.js";
import type { ServerClock } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import type { WalTracker } from "../wal/wal-tracker.js";
import { ReadPin } from "./read-pin.js";
import { formatRevision, type Revision } from "./revision.js";
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
  /** Moves what it can from the WAL to the file. */
  readonly moveFrames: () => void;
  /** The number of frames in the WAL if all of them are in the file, whoever moved them. Moves nothing. */
  readonly countMovedFrames: () => number | undefined;
  readonly maintenance: Maintenance;
  readonly clock: ServerClock;
  readonly retentionMs: number;
  readonly walLimitBytes: number;
}

/** A pin serves the revisions after it too, so new ones are opened only this often per retention window. */
const PINS_PER_RETENTION = 8;
/** Revisions that somebody may come back for are given up when the WAL is this many times its limit. */
const RETAINED_WAL_FACTOR = 8;

/**
 * Keeps revisions readable for as long as somebody reads them or may come back for them, and checkpoints the WAL when
 * nobody stands in the way. There is always a pin: a new one is opened before the old one is let go.
 */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  readonly #snapshots = new Map<number, Snapshot>();
  #epoch: string;
  #newestPin: ReadPin;
  /** No new attempt at a checkpoint before the WAL has this many frames. */
  #nextAttemptAt = 0;

  constructor(options: SnapshotStoreOptions) {
    this.#options = options;
    this.#epoch = options.log.current.epoch;
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
    this.#forgetOldEpoch();
    const revision = log.current;
    let snapshot = this.#snapshots.get(revision.sequence);
    if (snapshot === undefined) {
      snapshot = {
        revision,
        databaseSize: log.databaseSize,
        generation: wal.generation,
        frameLimit: wal.generation?.frames ?? 0,
        pin: this.#newestPin.retain(),
        readers: 0,
        lastUsedAt: 0,
        wanted: false,
      };
      this.#snapshots.set(revision.sequence, snapshot);
    }
    return this.#use(snapshot, wanted);
  }

  /** A revision told to a client earlier, to be read until `release`. Throws `ServerError` "revision-expired". */
  acquire(revision: Revision): Snapshot {
    this.#expire();
    this.#forgetOldEpoch();
    const current = this.#options.log.current;
    const snapshot = revision.epoch === current.epoch ? this.#snapshots.get(revision.sequence) : undefined;
    if (snapshot !== undefined) return this.#use(snapshot, true);
    if (revision.epoch === current.epoch && revision.sequence === current.sequence)
      return this.acquireCurrent(true);
    throw new ServerError(
      "revision-expired",
      `revision ${formatRevision(revision)} is no longer available: ask for the latest one and start over`,
    );
  }

  /** Ends what `acquire` began. */
  release(snapshot: Snapshot): void {
    snapshot.readers -= 1;
    snapshot.lastUsedAt = this.#options.clock.now();
    // Of an epoch that is gone: nobody will find it again.
    if (this.#snapshots.get(snapshot.revision.sequence) !== snapshot && snapshot.readers === 0)
      snapshot.pin.release();
    this.#nextAttemptAt = 0;
  }

  /**
   * Lets go of what nobody needs, and checkpoints the WAL if it is too long. Cheap when there is nothing to do, and best
   * effort: never throws.
   */
  maintain(): void {
    this.#expire();
    this.#forgetOldEpoch();
    const { wal, walLimitBytes } = this.#options;
    const generation = wal.generation;
    if (generation === undefined || byteLengthOf(generation) <= walLimitBytes) return;
    if (generation.frames < this.#nextAttemptAt) return;
    for (const snapshot of this.#snapshots.values()) if (snapshot.readers > 0) return;
    this.#expire(true);
    if (this.#snapshots.size > 0) return;
    this.#options.maintenance.run("checkpoint", () => {
      if (this.checkpoint()) return;
      // A transaction of somebody's is in the way. What it costs to try again grows with the WAL.
      this.#nextAttemptAt = generation.frames + Math.ceil(walLimitBytes / FRAME_SIZE / 4);
    });
  }

  /** Moves the whole WAL into the file, so that the next commit starts it anew. False if somebody is in the way. */
  checkpoint(): boolean {
    this.#renewPin();
    this.#options.moveFrames();
    if (!this.#isAllMoved()) return false;
    // Only a reader that begins now stands on the file alone and lets the WAL start over.
    return this.#renewPin();
  }

  /** Ends every read transaction. Downloads under way can no longer be trusted to be consistent. */
  close(): void {
    for (const snapshot of this.#snapshots.values()) snapshot.pin.release();
    this.#snapshots.clear();
    this.#newestPin.release();
  }

  #use(snapshot: Snapshot, wanted: boolean): Snapshot {
    snapshot.readers += 1;
    snapshot.lastUsedAt = this.#options.clock.now();
    snapshot.wanted ||= wanted;
    return snapshot;
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
      standsOnFile = this.#isAllMoved();
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

  #isAllMoved(): boolean {
    const { wal, countMovedFrames } = this.#options;
    return countMovedFrames() === (wal.generation?.frames ?? 0);
  }

  #expire(walTooLong = false): void {
    const { clock, retentionMs, wal, walLimitBytes } = this.#options;
    const expiry = clock.now() - retentionMs;
    const length = wal.generation === undefined ? 0 : byteLengthOf(wal.generation);
    for (const snapshot of this.#snapshots.values()) {
      if (snapshot.readers > 0) continue;
      const limit = snapshot.wanted ? RETAINED_WAL_FACTOR * walLimitBytes : walLimitBytes;
      if (snapshot.lastUsedAt < expiry || (walTooLong && length > limit)) this.#forget(snapshot);
    }
  }

  #forgetOldEpoch(): void {
    const { epoch } = this.#options.log.current;
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    for (const snapshot of this.#snapshots.values()) this.#forget(snapshot);
  }

  #forget(snapshot: Snapshot): void {
    this.#snapshots.delete(snapshot.revision.sequence);
    if (snapshot.readers === 0) snapshot.pin.release();
  }
}

/** Length of the log up to the last committed frame, bytes. */
function byteLengthOf(generation: FrameIndex): number {
  return frameOffset(generation.frames + 1);
}
