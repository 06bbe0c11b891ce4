import type {
  InboundStream,
  InboundStreamOptions,
  OutboundStream,
  OutboundStreamOptions,
  StreamPeer,
} from "@tributary/core";
import type { ChangeStreams } from "@tributary/live";
import type { ReplicaDatabase } from "@tributary/sqlite-better-sqlite3";
import type { DatabaseStreams } from "./database-streams.js";

/** What a captured database is made of; assembled by `openCapturedDatabase`. */
export interface CapturedDatabaseParts {
  readonly path: string;
  readonly db: ReplicaDatabase;
  readonly streams: DatabaseStreams;
  /** Saves what is only in memory, closes the connections and lets go of the lock. Throws, leaving all open, when it cannot. */
  readonly close: () => void;
}

/**
 * A local SQLite database whose changes are captured, for change streams to other databases. There is no remote: who
 * wants one opens a replica, which has the same streams.
 */
export class CapturedDatabase implements ChangeStreams {
  /** The database, as a better-sqlite3 `Database`. What is committed through it is durable, and on the tape. */
  readonly db: ReplicaDatabase;
  /** The file, whatever links lead to it. */
  readonly path: string;
  readonly #parts: CapturedDatabaseParts;
  #isClosed = false;

  constructor(parts: CapturedDatabaseParts) {
    this.#parts = parts;
    this.db = parts.db;
    this.path = parts.path;
  }

  /** Names this database to its peers: the origin of what is changed here. Made once, and kept in the file. */
  get site(): string {
    return this.#parts.streams.site;
  }

  /**
   * The changes of this database as packages, for one receiver.
   *
   * @throws SyncError `invalid-option`, `stream-behind`, `database-busy`, `invalid-state`.
   */
  createOutboundStream(options?: OutboundStreamOptions): OutboundStream {
    return this.#parts.streams.createOutboundStream(options);
  }

  /**
   * Applies the packages of one sender to this database.
   *
   * @throws SyncError `invalid-option`, `database-busy`, `invalid-state`.
   */
  createInboundStream(options: InboundStreamOptions): InboundStream {
    return this.#parts.streams.createInboundStream(options);
  }

  /** The receivers that are known by name, and how far each has come. */
  peers(): readonly StreamPeer[] {
    return this.#parts.streams.peers();
  }

  /** Nothing is kept for this receiver any more, durably. Should it come back, it begins anew, with a snapshot. */
  forgetPeer(name: string): void {
    this.#parts.streams.forgetPeer(name);
  }

  /**
   * Calls `listener` once for each commit that may have put something on the tape: of `db`, or of a package that was
   * applied here. In a microtask, never inside the statement that commits. What it throws becomes an exception that
   * nobody has caught; other listeners are called all the same. Gives the function that ends it.
   */
  onCommit(listener: () => void): () => void {
    return this.#parts.streams.onCommit(listener);
  }

  /** Calls `listener` once, in a microtask, when the database is closed, or is already. Gives the function that ends it. */
  onClose(listener: () => void): () => void {
    return this.#parts.streams.onClose(listener);
  }

  /**
   * Rolls back a transaction left open on `db` and closes everything, `db` included; links end. Calling it again does nothing.
   *
   * @throws SyncError `database-busy` for a query that is still iterated over; everything then stays open.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#parts.close();
    this.#isClosed = true;
  }
}
