import { statSync } from "node:fs";
import {
  checkpoint,
  type EngineIo,
  type ReplicaSession,
  replicaFiles,
  runSync,
  SyncError,
} from "@tributary/core";
import { LogRoom } from "./log-room.js";

/** Keeps the write-ahead log of a replica from growing without bound. */
export class AutomaticCheckpoints {
  readonly #session: ReplicaSession;
  readonly #io: EngineIo;
  readonly #thresholdBytes: number;
  #nextBytes: number;
  #lastError: SyncError | undefined;
  readonly #room: LogRoom;

  constructor(session: ReplicaSession, io: EngineIo, thresholdBytes: number) {
    this.#session = session;
    this.#io = io;
    this.#thresholdBytes = thresholdBytes;
    this.#nextBytes = thresholdBytes;
    this.#room = new LogRoom(replicaFiles(session.config.path).log);
  }

  /** Why the last one did not succeed; `undefined` when it did. */
  get lastError(): SyncError | undefined {
    return this.#lastError;
  }

  /** Makes one if the log is large, and otherwise room in it. Nothing of the engine may be running. Never throws. */
  checkpointIfLarge(): void {
    // An apply that is still to be finished would have to wait, and the next operation begins with it anyway.
    if (this.#session.applyPending) return;
    const bytes = this.#logBytes();
    if (bytes < this.#nextBytes) {
      this.#room.makeRoom(bytes, this.#nextBytes - 1);
      return;
    }
    try {
      // Without waiting: the app's commit returns when the log is short again, as with SQLite's own checkpoints.
      runSync(checkpoint(this.#session, 0), this.#io);
      this.#lastError = undefined;
    } catch (error) {
      this.#lastError =
        error instanceof SyncError
          ? error
          : new SyncError("internal", "A checkpoint failed.", { cause: error });
    }
    // Some reader may have kept the log from becoming shorter; not every commit from now on is to find that out again.
    const size = this.#logBytes();
    const isShort = size < this.#thresholdBytes;
    this.#nextBytes = isShort ? this.#thresholdBytes : size + this.#thresholdBytes;
  }

  #logBytes(): number {
    return statSync(replicaFiles(this.#session.config.path).log, { throwIfNoEntry: false })?.size ?? 0;
  }
}
