import { randomBytes } from "node:crypto";
import type { ServerDatabase } from "../database/server-database.js";
import type { ServerTimer } from "../server-clock.js";
import { ServerError } from "../server-error.js";
import { BatonCodec } from "./baton.js";
import { HranaRequestError } from "./hrana-request-error.js";
import { HranaStream } from "./hrana-stream.js";

/** A stream, and where it stands between two requests. */
export interface StreamEntry {
  readonly id: string;
  readonly stream: HranaStream;
  /** Opened and closed by one request: it does not count, as nobody can hold it for longer than that. */
  readonly isOneShot: boolean;
  /** Counts its answers: only the baton of the last one goes on. */
  turn: number;
  /** Runs while it is idle. */
  idleTimer: ServerTimer | undefined;
}

/** How many streams that the server closed are remembered, to say why to whoever comes back. */
const REMEMBERED_ENDS = 1_000;

const EXPIRED = { message: "The stream has expired due to inactivity", code: "STREAM_EXPIRED" };
const EVICTED = { message: "The stream was closed to make room for others", code: "STREAM_CLOSED" };
const CLOSED = { message: "The stream is closed", code: "STREAM_CLOSED" };
type StreamEnd = typeof EXPIRED;

/** The open streams of one database, by baton. Those left idle are rolled back and closed. */
export class StreamRegistry {
  readonly #database: ServerDatabase;
  readonly #batons = new BatonCodec();
  /** In the order in which they were last used. */
  readonly #entries = new Map<string, StreamEntry>();
  /** How many of them count against `maxStreams`. */
  #counted = 0;
  /** Why the server closed streams, the oldest first. */
  readonly #ends = new Map<string, StreamEnd>();

  constructor(database: ServerDatabase) {
    this.#database = database;
  }

  /**
   * Opens a stream, to be used by one request at once. `isOneShot`: that request closes it as well. Throws
   * `HranaRequestError` where there are too many, and `ServerError`.
   */
  open(isOneShot: boolean): StreamEntry {
    if (!isOneShot && this.#counted >= this.#database.options.maxStreams) this.#closeIdlest();
    const id = randomBytes(8).toString("hex");
    const stream = new HranaStream(this.#database.connect(), this.#database.writers);
    const entry: StreamEntry = { id, stream, isOneShot, turn: 0, idleTimer: undefined };
    this.#entries.set(id, entry);
    if (!isOneShot) this.#counted += 1;
    return entry;
  }

  /** The stream of a baton, which is used up by this. Throws `HranaRequestError`. */
  resume(baton: string): StreamEntry {
    const content = this.#batons.decode(baton);
    if (content === undefined) throw new HranaRequestError("Received an invalid baton");
    const entry = this.#entries.get(content.streamId);
    // The signature is ours, so the stream did exist.
    if (entry === undefined) {
      const { message, code } = this.#ends.get(content.streamId) ?? CLOSED;
      throw new HranaRequestError(message, { code });
    }
    if (entry.idleTimer === undefined || entry.turn !== content.turn) {
      throw new HranaRequestError("Received a baton that has already been used");
    }
    entry.idleTimer.cancel();
    entry.idleTimer = undefined;
    return entry;
  }

  /** Ends a request: gives the baton for the next one, or null if the stream is closed. Throws `ServerError` "closed". */
  suspend(entry: StreamEntry): string | null {
    if (entry.stream.isClosed) {
      this.close(entry);
      return null;
    }
    // Closed by `closeAll` while the request was under way.
    if (!this.#entries.has(entry.id)) throw new ServerError("closed", "the server is closed");
    entry.turn += 1;
    const { clock, options } = this.#database;
    entry.idleTimer = clock.startTimer(options.streamIdleTimeoutMs, () => this.#end(entry, EXPIRED));
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, entry);
    return this.#batons.encode({ streamId: entry.id, turn: entry.turn });
  }

  /** Rolls a stream back and forgets it. */
  close(entry: StreamEntry): void {
    entry.idleTimer?.cancel();
    if (this.#entries.delete(entry.id) && !entry.isOneShot) this.#counted -= 1;
    this.#database.closeConnection(entry.stream.connection);
  }

  /** Closes all of them. */
  closeAll(): void {
    for (const entry of [...this.#entries.values()]) this.close(entry);
  }

  #closeIdlest(): void {
    for (const entry of this.#entries.values()) {
      if (entry.idleTimer === undefined || !entry.stream.connection.isAutocommit) continue;
      this.#end(entry, EVICTED);
      return;
    }
    throw new HranaRequestError("too many open streams: close some, or try again later", {
      code: "STREAMS_EXHAUSTED",
      status: 503,
    });
  }

  #end(entry: StreamEntry, reason: StreamEnd): void {
    this.#ends.set(entry.id, reason);
    if (this.#ends.size > REMEMBERED_ENDS) {
      for (const oldest of this.#ends.keys()) {
        this.#ends.delete(oldest);
        break;
      }
    }
    this.close(entry);
  }
}
