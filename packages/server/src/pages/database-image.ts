import { PAGE_SIZE } from "@tributary/core";
import type { ServerDatabase } from "../database/server-database.js";
import { formatRevision } from "./revision.js";
import type { Snapshot } from "./snapshot.js";

/** Pages read at once: 256 KiB. */
const BATCH_PAGES = 64;

/**
 * A database as a file, as it is when this is made, read piece by piece while it goes on being written: the pages of one
 * snapshot in order. An empty database is an empty file, as SQLite has it. Until `end`, the WAL cannot be checkpointed.
 */
export class DatabaseImage {
  readonly #database: ServerDatabase;
  #snapshot: Snapshot | undefined;
  readonly #pages: number;
  /** The one that it is of. */
  readonly revision: string;
  #nextPage = 0;

  /** Throws `ServerError`. */
  constructor(database: ServerDatabase) {
    this.#database = database;
    database.sync();
    this.#snapshot = database.snapshots.acquireCurrent(false);
    this.#pages = this.#snapshot.databaseSize;
    this.revision = formatRevision(this.#snapshot.revision);
  }

  /** Bytes. */
  get length(): number {
    return this.#pages * PAGE_SIZE;
  }

  /** The next piece; undefined at the end. Throws `ServerError`. */
  next(): Uint8Array<ArrayBuffer> | undefined {
    const count = Math.min(BATCH_PAGES, this.#pages - this.#nextPage);
    if (count === 0 || this.#snapshot === undefined) return undefined;
    const pageIds = Uint32Array.from({ length: count }, (_, index) => this.#nextPage + index);
    const bytes = new Uint8Array(count * PAGE_SIZE);
    this.#database.readPages(this.#snapshot, pageIds, bytes);
    this.#nextPage += count;
    return bytes;
  }

  /** Lets go of the snapshot. Calling it again does nothing. */
  end(): void {
    if (this.#snapshot !== undefined) this.#database.snapshots.release(this.#snapshot);
    this.#snapshot = undefined;
  }
}
