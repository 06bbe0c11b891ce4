import { randomBytes } from "node:crypto";
import type { Channel } from "@tributary/core";
import { type LiveClock, systemClock } from "@tributary/live";
import { FIRST_HEADER, SESSION_HEADER } from "./event-stream-format.js";
import { type BatchOutcome, EventStreamSession } from "./event-stream-session.js";
import { readBody } from "./read-body.js";

/** Options of {@link createEventStreamAcceptor}. */
export interface EventStreamAcceptorOptions {
  /** A client has opened a channel with this request. To be listened to soon. */
  readonly onChannel: (channel: Channel, request: Request) => void;
  /** How many channels may be open at once; one more is answered with 503. Default 1000. */
  readonly maxChannels?: number;
  /** A longer message is refused, bytes. A request holds one of them or as many as fit. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** What the requests of all channels may hold together until they are answered, bytes; one more is answered with 503. Default 64 MiB. */
  readonly maxRequestBytes?: number;
  /** A client that sends nothing for this long is taken for gone, ms. Default 60 000. */
  readonly idleTimeoutMs?: number;
  /** A sender is told `full` when this many bytes are waiting for the client. Default 1 MiB. */
  readonly highWaterBytes?: number;
  /** Where time comes from. */
  readonly clock?: LiveClock;
}

/** Channels for clients of {@link createEventStreamConnect}. */
export interface EventStreamAcceptor {
  /** Answers the requests of one path. Who may ask is decided before. Rejects with what `onChannel` throws, and nothing else. */
  fetch(request: Request): Promise<Response>;
  /** Ends all channels and takes no further ones. */
  close(reason?: string): void;
}

/** 192 bits that cannot be guessed: whoever knows them may send. */
const SESSION_BYTES = 24;
/** What frames and the end of a channel add to a message, bytes. */
const FRAMING_BYTES = 4096;

const STATUS: Readonly<Record<BatchOutcome, readonly [status: number, text: string]>> = {
  taken: [204, ""],
  gone: [410, "the channel is closed"],
  gap: [409, "messages are missing"],
  damaged: [400, "what came are no frames"],
};

/**
 * The server's end of channels for networks that let only HTTP requests through: server-sent events down, requests with
 * numbered messages up. A client tells its channels apart by a session that only it knows.
 */
export function createEventStreamAcceptor(options: EventStreamAcceptorOptions): EventStreamAcceptor {
  const { maxChannels = 1000, maxMessageBytes = 16 << 20, idleTimeoutMs = 60_000 } = options;
  const { maxRequestBytes = 64 << 20, highWaterBytes = 1 << 20, clock = systemClock } = options;
  /** What requests hold now. */
  let requestBytes = 0;
  const sessions = new Map<string, EventStreamSession>();
  let isClosed = false;

  return {
    async fetch(request) {
      if (request.method === "GET") return open(request);
      if (request.method === "POST") return await take(request);
      return answer(405, "GET or POST", { allow: "GET, POST" });
    },
    close(reason = "the server is closing") {
      isClosed = true;
      for (const session of [...sessions.values()]) session.close(reason);
    },
  };

  function open(request: Request): Response {
    if (!(request.headers.get("accept") ?? "").includes("text/event-stream")) {
      return answer(406, "this gives text/event-stream");
    }
    if (isClosed || sessions.size >= maxChannels) {
      return answer(503, "too many channels: try again later", { "retry-after": "1" });
    }
    const id = randomBytes(SESSION_BYTES).toString("base64url");
    const onEnd = (): void => void sessions.delete(id);
    const session = new EventStreamSession({
      id,
      maxMessageBytes,
      highWaterBytes,
      idleTimeoutMs,
      clock,
      onEnd,
    });
    sessions.set(id, session);
    try {
      options.onChannel(session, request);
    } catch (error) {
      session.close("internal error");
      throw error;
    }
    const headers = {
      "content-type": "text/event-stream",
      // What compresses the answer on its way would collect events first.
      "cache-control": "no-store, no-transform",
      // So would nginx.
      "x-accel-buffering": "no",
    };
    return new Response(session.body, { headers });
  }

  async function take(request: Request): Promise<Response> {
    const session = sessions.get(request.headers.get(SESSION_HEADER) ?? "");
    if (session === undefined) return answer(...STATUS.gone);
    const first = request.headers.get(FIRST_HEADER) ?? "";
    if (!/^[1-9]\d{0,14}$/.test(first)) return answer(400, `${FIRST_HEADER} is no number`);
    session.hear();
    // Before its body is read: that takes the memory.
    if (!session.beginRequest()) return answer(429, "too many requests at once");
    let held = 0;
    const onBytes = (count: number): boolean => {
      session.hear();
      held += count;
      requestBytes += count;
      return requestBytes <= maxRequestBytes;
    };
    try {
      const maxBytes = maxMessageBytes + FRAMING_BYTES;
      const body = await readBody(request, { maxBytes, signal: session.over, onBytes });
      if (body === "too-long") return answer(413, "the request is too long");
      if (body === "no-room") return answer(503, "too much at once: try again later", { "retry-after": "1" });
      if (body === "broken") return answer(400, "the request is not whole");
      return answer(...STATUS[await session.take(Number(first), body)]);
    } finally {
      requestBytes -= held;
      session.endRequest();
    }
  }
}

function answer(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(status === 204 ? null : text, {
    status,
    headers: { "cache-control": "no-store", ...headers },
  });
}
