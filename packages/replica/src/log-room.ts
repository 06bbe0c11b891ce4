import { appendFileSync } from "node:fs";

const ROOM = new Uint8Array(256 * 1024);

/**
 * Room at the end of a write-ahead log. To sync a commit that makes the file longer takes about twice as long as to sync
 * one that does not: the file system has to commit its new length too.
 *
 * It is zeros, which no reader of a log takes for a frame. They are appended, so nothing that somebody else writes there
 * meanwhile can be overwritten; what SQLite writes next goes over them.
 */
export class LogRoom {
  readonly #path: string;
  /** The length that the file was left with. */
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Call after a commit. Appends room when the file is not as it was left: commits have come to its end. Never throws. */
  makeRoom(logBytes: number, mostBytes: number): void {
    // Without a header it is no log yet.
    if (logBytes === 0 || logBytes === this.#bytes) return;
    this.#bytes = Math.min(logBytes + ROOM.length, mostBytes);
    try {
      appendFileSync(this.#path, ROOM.subarray(0, this.#bytes - logBytes));
    } catch {
      // Commits make the file longer themselves, and say so when the disk is full.
    }
  }
}
