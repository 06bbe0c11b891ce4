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
  /** Moves what it can from the WAL to the file. */
  readonly moveFrames: () => void;
  /** Whether all frames seen in the WAL are in the file, whoever moved them, and there are no others. Moves nothing. */
  readonly isAllMoved: () => boolean;
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

/**
 * Keeps revisions readable for as long as somebody reads them or may come back for them, and checkpoints the WAL when
 * nobody stands in the way. There is always a pin: a new one is opened before the old one is let go.
 */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  readonly #snapshots = new Map<number, Snapshot>();
  #history: number;
  #newestPin: ReadPin;
  /** No new attempt at a checkpoint before the WAL has this many frames. */
  #nextAttemptAt = 0;

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
      this.#snapshots.set(revision.sequence, snapshot);
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
    snapshot.lastUsedAt = this.#options.clock.now();
    // Of a history that is gone: nobody will find it again.
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
    this.#forgetOldHistory();
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
    this.#options.save();
    this.#options.moveFrames();
    const allMoved = this.#options.isAllMoved();
    // Only a reader that begins now stands on the file alone and lets the WAL start over.
    const mayStartOver = allMoved && this.#renewPin();
    this.#options.save();
    return mayStartOver;
  }

  /** Forgets every revision but the current one. Downloads under way can no longer be trusted to be consistent. */
  forgetAll(): void {
    for (const snapshot of this.#snapshots.values()) snapshot.pin.release();
    this.#snapshots.clear();
  }

  /** Ends every read transaction. */
  close(): void {
    this.forgetAll();
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
      standsOnFile = this.#options.isAllMoved();
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

/** Length of the log up to the last committed frame, bytes. */
function byteLengthOf(generation: FrameIndex): number {
  return frameOffset(generation.frames + 1);
}
