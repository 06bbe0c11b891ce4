import {
  type Coroutine,
  forgetPeer,
  InboundStream,
  type InboundStreamOptions,
  listPeers,
  OutboundStream,
  type OutboundStreamOptions,
  runSync,
  type StreamHost,
  type StreamPeer,
  type StreamRetention,
  SyncError,
  trimTape,
} from "@tributary/core";
import type { ChangeStreams } from "@tributary/live";
import type { BetterSqlite3Io } from "@tributary/sqlite-better-sqlite3";
import { Listeners } from "./listeners.js";
import { type StreamClock, streamClock } from "./stream-clock.js";
import { streamPorts } from "./stream-ports.js";

/** What the change streams of a database are made over, by whoever has it open. */
export interface ChangeStreamsParts {
  /** Its connections, opened. */
  readonly sql: BetterSqlite3Io;
  /** Names the database to its peers: the client id. */
  readonly site: string;
  /** How long changes are kept for receivers that have not acknowledged them. */
  readonly retention?: StreamRetention | undefined;
  /** Whether it is a replica: the order of changes is then its remote's, and the tape is its pushes' too. */
  readonly isReplica: boolean;
  /** Throws, a `SyncError`, while streams cannot work: the database is closed, or the replica between two states. */
  readonly guard: () => void;
  /** Called right after a package was applied here, before anybody else is told. */
  readonly onApplied?: (() => void) | undefined;
  /** Default: that of this machine. */
  readonly clock?: StreamClock | undefined;
}

/** The change streams of one open database. */
export class DatabaseStreams implements ChangeStreams {
  readonly site: string;
  readonly #host: StreamHost;
  readonly #isReplica: boolean;
  readonly #guard: () => void;
  readonly #listeners = new Listeners();
  readonly #closeListeners = new Listeners();
  #isClosed = false;

  constructor(parts: ChangeStreamsParts) {
    const { sql, site, retention, isReplica, guard, onApplied, clock = streamClock } = parts;
    this.site = site;
    this.#isReplica = isReplica;
    this.#guard = guard;
    const ports = streamPorts(sql, clock);
    this.#host = {
      run<T>(procedure: Coroutine<T>): T {
        guard();
        return runSync(procedure, ports);
      },
      openReader() {
        guard();
        return sql.openReader();
      },
      now: () => clock.now(),
      randomBytes: (count) => clock.randomBytes(count),
      mayTrimTape: !isReplica,
      retention,
      onApplied: () => {
        onApplied?.();
        this.noteCommit();
      },
    };
  }

  /**
   * The changes of this database as packages, for one receiver. Fails with `invalid-option`, `stream-behind` and
   * `database-busy`.
   */
  createOutboundStream(options: OutboundStreamOptions = {}): OutboundStream {
    this.#guard();
    return new OutboundStream(this.#host, this.site, options);
  }

  /** Applies the packages of one sender to this database. Fails with `invalid-option`. */
  createInboundStream(options: InboundStreamOptions): InboundStream {
    this.#guard();
    if (this.#isReplica && options.rebase === true) {
      throw new SyncError(
        "invalid-option",
        "createInboundStream: `rebase` is not for a replica, where the remote database decides on the order of changes.",
      );
    }
    return new InboundStream(this.#host, this.site, options);
  }

  /** The receivers that are known by name, and how far they have come. */
  peers(): readonly StreamPeer[] {
    return listPeers(this.#host);
  }

  /** Nothing is kept for this receiver any more. Should it come back, it begins anew, with a snapshot. */
  forgetPeer(name: string): void {
    forgetPeer(this.#host, name);
  }

  /**
   * Called once for each commit that may have put something on the tape: of the app, or of a package that was applied
   * here. In a microtask, never inside the statement that commits. What the listener throws becomes an exception that
   * nobody has caught; the other listeners are called all the same. Gives the function that ends it.
   */
  onCommit(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Called once, in a microtask, when the database is closed, or is already. Gives the function that ends it. */
  onClose(listener: () => void): () => void {
    if (!this.#isClosed) return this.#closeListeners.add(listener);
    const late = new Listeners();
    const end = late.add(listener);
    late.note();
    return end;
  }

  /** For whoever has the database open: to be called after each commit of the app's connection. */
  noteCommit(): void {
    this.#listeners.note();
  }

  /**
   * Deletes changes that are kept beyond `retention`. Streams see to that when they are used; for whoever has the database
   * open, to be called now and then. Does nothing while the database is busy.
   */
  trim(): void {
    try {
      trimTape(this.#host);
    } catch (error) {
      // The next call finds more to delete.
      if (!(error instanceof SyncError) || error.code !== "database-busy") throw error;
    }
  }

  /** For whoever has the database open: to be called when it is closed. Nobody is told of commits any more. */
  close(): void {
    this.#isClosed = true;
    this.#listeners.close();
    this.#closeListeners.note();
  }
}
