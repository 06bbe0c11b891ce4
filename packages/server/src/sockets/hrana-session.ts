import type { HranaSocketRequest } from "@tributary/wire";
import type { AccessGrant } from "../access/access.js";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { SqlStream } from "../hrana/sql-stream.js";
import { checkVersion } from "./hrana-protocol.js";
import type { Lane } from "./lane.js";
import type { Reply, SessionAnswer, SessionOwner } from "./session-owner.js";
import type { SocketCursor } from "./socket-cursor.js";
import { SocketRefusal } from "./socket-refusal.js";
import { SocketStream } from "./socket-stream.js";
import { SocketViolation } from "./socket-violation.js";
import { StoredSql } from "./stored-sql.js";
import { toSocketRefusal } from "./to-socket-refusal.js";

/** What a fetch gives at most, bytes, but for its last entry. */
const MAX_FETCH_BYTES = 1024 * 1024;
/** Ids of streams and of cursors that failed to open are in use until the client closes them. */
const MAX_IDS = 1_000;

type RequestOf<Type extends HranaSocketRequest["type"]> = Extract<HranaSocketRequest, { type: Type }>;
type StreamRequest = RequestOf<"execute" | "batch" | "sequence" | "describe" | "get_autocommit">;

interface CursorEntry {
  readonly cursor: SocketCursor;
  readonly stream: SocketStream;
}

/** What a client has on its socket: streams, cursors and SQL texts, by ids that it has chosen. Knows nothing of frames. */
export class HranaSession {
  readonly #owner: SessionOwner;
  readonly #texts: StoredSql;
  readonly #streams = new Map<number, SocketStream>();
  readonly #cursors = new Map<number, CursorEntry>();
  /** Those that have an id, and those that are yet to be closed. */
  readonly #unclosed = new Set<SocketStream>();
  #grant: AccessGrant = { access: "read" };
  #openingCount = 0;
  #isClosed = false;

  constructor(owner: SessionOwner) {
    this.#owner = owner;
    this.#texts = new StoredSql(owner.maxExpandedBytes);
  }

  /** Begins with a request. Those of one stream are done in their order. Throws `SocketViolation`. */
  handle(request: HranaSocketRequest, reply: Reply): void {
    checkVersion(request, this.#owner.protocol.version);
    switch (request.type) {
      case "store_sql":
        this.#now(reply, request.type, () => this.#texts.store(request.sql_id, request.sql));
        break;
      case "close_sql":
        this.#now(reply, request.type, () => this.#texts.close(request.sql_id));
        break;
      case "open_stream":
        this.#openStream(request.stream_id, reply);
        break;
      case "close_stream":
        this.#closeStream(request.stream_id, reply);
        break;
      case "open_cursor":
        this.#openCursor(request, reply);
        break;
      case "fetch_cursor":
        this.#fetchCursor(request, reply);
        break;
      case "close_cursor":
        this.#closeCursor(request.cursor_id, reply);
        break;
      default:
        this.#run(request, reply);
    }
  }

  /** What a hello was granted: streams are opened with it from now on, and those that may do more are ended. */
  grant(grant: AccessGrant): void {
    this.#grant = grant;
    for (const stream of this.#unclosed) stream.restrict(grant);
  }

  /** Closes everything at once. Nothing is answered any more. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#unclosed) stream.close();
    this.#unclosed.clear();
    this.#streams.clear();
    this.#cursors.clear();
  }

  #openStream(id: number, reply: Reply): void {
    if (this.#streams.has(id)) throw new SocketViolation(`stream ${id} is already open`);
    const { maxStreams } = this.#owner;
    if (this.#streams.size >= maxStreams + MAX_IDS) throw new SocketViolation("too many ids of streams");
    const stream = new SocketStream(id, this.#owner);
    this.#streams.set(id, stream);
    this.#unclosed.add(stream);
    this.#push(stream.lane, reply, async () => {
      if (this.#countOpen() >= maxStreams) {
        throw new SocketRefusal(`a connection can have ${maxStreams} streams open`, "STREAMS_EXHAUSTED");
      }
      const grant = this.#grant;
      this.#openingCount += 1;
      try {
        stream.open(await this.#owner.openStream(grant), grant.access);
      } catch (error) {
        throw toOpenFailure(error);
      } finally {
        this.#openingCount -= 1;
      }
      // Another hello may have come meanwhile.
      stream.restrict(this.#grant);
      return { response: { type: "open_stream" } };
    });
  }

  #closeStream(id: number, reply: Reply): void {
    const stream = this.#streamOf(id);
    this.#streams.delete(id);
    for (const [cursorId, entry] of this.#cursors) {
      if (entry.stream === stream) this.#cursors.delete(cursorId);
    }
    stream.dropCursors();
    this.#push(stream.lane, reply, () => {
      stream.close();
      this.#unclosed.delete(stream);
      return { response: { type: "close_stream" } };
    });
  }

  #run(request: StreamRequest, reply: Reply): void {
    const stream = this.#streamOf(request.stream_id);
    const resolved = this.#resolve(request);
    const { format } = this.#owner.protocol;
    this.#push(stream.lane, reply, async () => {
      const { stream_id, ...work } = resolved();
      const { results } = await this.#use(stream, (sql) => sql.run({ requests: [work] }, format));
      const [result] = results;
      if (result === undefined) throw new Error(`a stream has not answered ${request.type}`);
      return { result };
    });
  }

  #openCursor(request: RequestOf<"open_cursor">, reply: Reply): void {
    const id = request.cursor_id;
    const stream = this.#streamOf(request.stream_id);
    if (this.#cursors.has(id)) throw new SocketViolation(`cursor ${id} is already open`);
    if (this.#cursors.size >= MAX_IDS) throw new SocketViolation("too many ids of cursors");
    const resolved = this.#resolve(request);
    const cursor = stream.addCursor();
    this.#cursors.set(id, { cursor, stream });
    const { format } = this.#owner.protocol;
    this.#push(stream.lane, reply, async () => {
      try {
        const { batch } = resolved();
        cursor.sql = await this.#use(stream, (sql) => sql.openCursor({ batch }, format));
        // Now that it is known to be open.
        stream.pause();
        return { response: { type: "open_cursor" } };
      } catch (error) {
        cursor.close();
        throw error;
      }
    });
    // Nothing else is done on the stream until the cursor is closed.
    stream.lane.push(() => {
      cursor.lane.release();
      return cursor.released;
    });
  }

  #fetchCursor({ cursor_id, max_count }: RequestOf<"fetch_cursor">, reply: Reply): void {
    const { cursor, stream } = this.#cursorOf(cursor_id);
    this.#push(cursor.lane, reply, async () => {
      if (cursor.isDone) return { response: { type: "fetch_cursor", entries: [], done: true } };
      const fetched = await this.#use(stream, () => {
        if (cursor.sql !== undefined) return cursor.sql.fetch(max_count, MAX_FETCH_BYTES);
        throw new SocketRefusal(`cursor ${cursor_id} has failed to open`, "CURSOR_NOT_OPEN");
      });
      cursor.isDone = fetched.done;
      return { response: { type: "fetch_cursor", ...fetched } };
    });
  }

  #closeCursor(id: number, reply: Reply): void {
    const { cursor } = this.#cursorOf(id);
    this.#cursors.delete(id);
    this.#push(cursor.lane, reply, () => {
      cursor.close();
      return { response: { type: "close_cursor" } };
    });
  }

  /** Uses a stream. Where that fails, and not by a refusal of ours, the stream is gone. */
  async #use<T>(stream: SocketStream, use: (sql: SqlStream) => Promise<T>): Promise<T> {
    const { sql } = stream;
    stream.begin();
    try {
      return await use(sql);
    } catch (error) {
      // If it has ended meanwhile, this gives the reason, unless that is what happened to this very request.
      if (!(error instanceof HranaRequestError)) stream.throwIfEnded();
      const refusal = toSocketRefusal(error);
      if (refusal !== undefined && refusal !== error) stream.end(refusal);
      throw error;
    } finally {
      stream.pause();
    }
  }

  /** Does something in its turn, and answers with what it gives. */
  #push(lane: Lane, reply: Reply, work: () => Promise<SessionAnswer> | SessionAnswer): void {
    lane.push(async () => {
      if (this.#isClosed) return;
      try {
        reply(await work());
      } catch (error) {
        this.#replyFailure(reply, error);
      }
    });
  }

  #now(reply: Reply, type: "store_sql" | "close_sql", act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof SocketRefusal)) throw error;
      reply({ error: error.hranaError });
      return;
    }
    reply({ response: { type } });
  }

  #replyFailure(reply: Reply, error: unknown): void {
    const refusal = toSocketRefusal(error);
    if (refusal === undefined) this.#owner.fail(error);
    else reply({ error: refusal.hranaError });
  }

  /** The request with its SQL texts, to be called when it is its turn. */
  #resolve<Request extends HranaSocketRequest>(request: Request): () => Request {
    try {
      const resolved = this.#texts.resolve(request);
      return () => resolved;
    } catch (error) {
      if (!(error instanceof SocketRefusal)) throw error;
      return () => {
        throw error;
      };
    }
  }

  #streamOf(id: number): SocketStream {
    const stream = this.#streams.get(id);
    if (stream === undefined) throw new SocketViolation(`stream ${id} is not open`);
    return stream;
  }

  #cursorOf(id: number): CursorEntry {
    const entry = this.#cursors.get(id);
    if (entry === undefined) throw new SocketViolation(`cursor ${id} is not open`);
    return entry;
  }

  #countOpen(): number {
    let count = this.#openingCount;
    for (const stream of this.#unclosed) if (stream.isOpen) count += 1;
    return count;
  }
}

/** A stream that cannot be opened is no fault of the client. */
function toOpenFailure(error: unknown): unknown {
  return error instanceof HranaRequestError
    ? new SocketRefusal(error.message, error.code ?? "STREAM_NOT_OPEN")
    : error;
}
