import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { FRAME_SIZE } from "@tributary/core";

/** How much is appended at once, bytes. */
const ROOM = new Uint8Array(256 * 1024);
/** Commits of a few rows take a few frames: room is made before they come to its end. */
const LEAST_BYTES = 16 * FRAME_SIZE;

/**
 * Room at the end of a write-ahead log that has not grown to its limit yet. To sync a commit that makes the file longer takes
 * about twice as long as to sync one that does not: the file system has to commit its new length too.
 *
 * It is zeros, which no reader of a log takes for a frame. They are appended, so nothing that somebody writes there meanwhile
 * can be overwritten; what SQLite writes next goes over them.
 */
export class LogRoom {
  readonly #path: string;
  readonly #mostBytes: number;
  /** The length of the file when it was last looked at. */
  #bytes = 0;

  /** Of the log at a path, which is not made longer than `mostBytes`. */
  constructor(path: string, mostBytes: number) {
    this.#path = path;
    this.#mostBytes = mostBytes;
  }

  /** To be called after a commit; `usedBytes`: up to where frames are. Never throws. */
  keepRoom(usedBytes: number): void {
    const needed = usedBytes + LEAST_BYTES;
    // Without a frame it is no log yet, and one at its limit starts over.
    if (usedBytes === 0 || needed <= this.#bytes || needed > this.#mostBytes) return;
    try {
      this.#append(needed);
    } catch {
      // Commits make the file longer themselves, and say so when the disk is full.
    }
  }

  #append(needed: number): void {
    // Makes none where none is.
    const descriptor = openSync(this.#path, constants.O_WRONLY | constants.O_APPEND);
    try {
      this.#bytes = fstatSync(descriptor).size;
      if (this.#bytes >= needed) return;
      this.#bytes += writeSync(descriptor, ROOM, 0, Math.min(ROOM.length, this.#mostBytes - this.#bytes));
    } finally {
      closeSync(descriptor);
    }
  }
}
