import { readSync } from "node:fs";
import { LOCK_BYTE_PAGE, PAGE_SIZE } from "@tributary/core";
import { ServerError } from "../server-error.js";
import type { WalTracker } from "../wal/wal-tracker.js";
import type { RevisionLog } from "./revision-log.js";
import type { Snapshot } from "./snapshot.js";

/** Reads pages of a snapshot straight from the files, past SQLite. */
export class PageReader {
  readonly #databaseDescriptor: number;
  readonly #wal: WalTracker;
  readonly #log: RevisionLog;

  constructor(databaseDescriptor: number, wal: WalTracker, log: RevisionLog) {
    this.#databaseDescriptor = databaseDescriptor;
    this.#wal = wal;
    this.#log = log;
  }

  /** Fills `target` with the pages of those ids (zero-based), back to back. Throws `ServerError` "database-changed". */
  read(snapshot: Snapshot, pageIds: Uint32Array, target: Uint8Array): void {
    // A reader that stands on the file alone lets a writer start the WAL over. Its header is written first, so frames
    // read before the header is seen unchanged are the right ones; else the file has everything.
    if (this.#readThroughWal(snapshot, pageIds, target)) return;
    this.#log.sync();
    if (snapshot.history !== this.#log.history) {
      throw new ServerError("database-changed", "the database was changed behind the server's back");
    }
    this.#readPages(pageIds, target, () => 0);
  }

  #readThroughWal(snapshot: Snapshot, pageIds: Uint32Array, target: Uint8Array): boolean {
    const { generation, frameLimit } = snapshot;
    if (generation === undefined || frameLimit === 0) {
      this.#readPages(pageIds, target, () => 0);
      return true;
    }
    if (!this.#wal.stillHolds(generation)) return false;
    this.#readPages(pageIds, target, (pageNumber) => generation.frameOf(pageNumber, frameLimit));
    return this.#wal.stillHolds(generation);
  }

  #readPages(pageIds: Uint32Array, target: Uint8Array, frameOf: (pageNumber: number) => number): void {
    for (let index = 0; index < pageIds.length; ) {
      const pageId = pageIds[index] as number;
      const frame = frameOf(pageId + 1);
      if (frame > 0) {
        // A short read means that the WAL was cut off meanwhile: the check of its header tells.
        this.#wal.readPage(frame, target, index * PAGE_SIZE);
        index += 1;
        continue;
      }
      let end = index + 1;
      // Neighbours in the file are read together.
      while (pageIds[end] === pageId + (end - index) && frameOf(pageId + (end - index) + 1) === 0) end++;
      this.#readFile(pageId, end - index, target, index * PAGE_SIZE);
      index = end;
    }
  }

  #readFile(pageId: number, count: number, target: Uint8Array, offset: number): void {
    const length = count * PAGE_SIZE;
    const read = readSync(this.#databaseDescriptor, target, offset, length, pageId * PAGE_SIZE);
    if (read === length) return;
    const missing = pageId + Math.floor(read / PAGE_SIZE) + 1;
    if (missing !== LOCK_BYTE_PAGE || missing !== pageId + count) {
      throw new ServerError("database-changed", `page ${missing} lies beyond the end of the database file`);
    }
    target.fill(0, offset + read, offset + length);
  }
}
