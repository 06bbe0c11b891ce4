import { randomBytes } from "node:crypto";
import type { ServerDatabase } from "../database/server-database.js";
import type { ServerTimer } from "../server-clock.js";
import { BatonCodec } from "./baton.js";
import { HranaRequestError } from "./hrana-request-error.js";
import { HranaStream } from "./hrana-stream.js";

/** A stream, and where it stands between two requests. */
export interface StreamEntry {
  readonly id: string;
  readonly stream: HranaStream;
  /** Counts its answers: only the baton of the last one goes on. */
  turn: number;
  /** Runs while it is idle. */
  idleTimer: ServerTimer | undefined;
}

/** The open streams of one database, by baton. Those left idle are rolled back and closed. */
export class StreamRegistry {
  readonly #database: ServerDatabase;
  readonly #batons = new BatonCodec();
  /** In the order in which they were last used. */
  readonly #entries = new Map<string, StreamEntry>();

  constructor(database: ServerDatabase) {
    this.#database = database;
  }

  /** How many are open. */
  get size(): number {
    return this.#entries.size;
  }

  /** Opens a stream, to be used by one request at once. */
  open(): StreamEntry {
    if (this.#entries.size >= this.#database.options.maxStreams) this.#closeIdlest();
    const id = randomBytes(8).toString("hex");
    const stream = new HranaStream(this.#database.connect(), this.#database.writers);
    const entry: StreamEntry = { id, stream, turn: 0, idleTimer: undefined };
    this.#entries.set(id, entry);
    return entry;
  }

  /** The stream of a baton, which is used up by this. Throws `HranaRequestError`. */
  resume(baton: string): StreamEntry {
    const content = this.#batons.decode(baton);
    if (content === undefined) throw new HranaRequestError("Received an invalid baton");
    const entry = this.#entries.get(content.streamId);
    // The signature is ours, so the stream did exist.
    if (entry === undefined) {
      throw new HranaRequestError("The stream has expired due to inactivity", "STREAM_EXPIRED");
    }
    if (entry.idleTimer === undefined || entry.turn !== content.turn) {
      throw new HranaRequestError("Received a baton that has already been used");
    }
    entry.idleTimer.cancel();
    entry.idleTimer = undefined;
    return entry;
  }

  /** Ends a request: gives the baton for the next one, or null if the stream is closed. */
  suspend(entry: StreamEntry): string | null {
    if (entry.stream.isClosed) {
      this.close(entry);
      return null;
    }
    entry.turn += 1;
    const { clock, options } = this.#database;
    entry.idleTimer = clock.startTimer(options.streamIdleTimeoutMs, () => this.close(entry));
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, entry);
    return this.#batons.encode({ streamId: entry.id, turn: entry.turn });
  }

  /** Rolls a stream back and forgets it. */
  close(entry: StreamEntry): void {
    entry.idleTimer?.cancel();
    this.#entries.delete(entry.id);
    this.#database.closeConnection(entry.stream.connection);
  }

  /** Closes all of them. */
  closeAll(): void {
    for (const entry of [...this.#entries.values()]) this.close(entry);
  }

  #closeIdlest(): void {
    for (const entry of this.#entries.values()) {
      if (entry.idleTimer === undefined || !entry.stream.connection.isAutocommit) continue;
      this.close(entry);
      return;
    }
    throw new HranaRequestError("too many open streams: close some, or try again later", "STREAMS_EXHAUSTED");
  }
}
