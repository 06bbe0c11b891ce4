import { CURSOR_TERMINATOR, encodeCursorHead, frameCursorEntry, type HranaFormat } from "@tributary/wire";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { SqlCursor } from "../hrana/sql-stream.js";
import type { StreamEntry } from "../hrana/stream-registry.js";
import { checkJsonContent } from "../http/check-origin.js";
import type { HttpResponse } from "../http/http-response.js";
import { PulledBody } from "../http/pulled-body.js";
import { readBody } from "../http/read-body.js";
import { batonOf, openOrResume } from "./pipeline.js";
import type { RouteContext } from "./route-context.js";

/** Entries are sent in pieces of about this size, bytes. */
const PIECE_BYTES = 64 * 1024;

/**
 * `POST /v3/cursor` and `/v3-protobuf/cursor`: a batch whose entries are sent while it runs. It goes on when the client has
 * taken what there is, or when the client goes on with the stream.
 */
export async function answerCursor(context: RouteContext, format: HranaFormat): Promise<HttpResponse> {
  const { request, streams } = context;
  if (format === "json") checkJsonContent(request);
  const body = await readBody(request, context.bodyLimits);
  const baton = batonOf(body, format);
  const entry = await openOrResume(context, baton);
  try {
    const cursor = await entry.stream.openCursor({ body, bodyFormat: format, baton }, format);
    const next = streams.suspend(entry);
    if (next === null) {
      throw new HranaRequestError("too many open streams: close some, or try again later", {
        code: "STREAMS_EXHAUSTED",
        status: 503,
      });
    }
    const head = encodeCursorHead(format, { baton: next, base_url: null });
    return {
      status: 200,
      headers: { "content-type": format === "json" ? "text/plain" : "application/octet-stream" },
      body: streamEntries(context, entry, cursor, format, head),
    };
  } catch (error) {
    streams.close(entry);
    throw error;
  }
}

function streamEntries(
  { streams, options, hold }: RouteContext,
  entry: StreamEntry,
  cursor: SqlCursor,
  format: HranaFormat,
  head: Uint8Array,
): PulledBody {
  const { turn } = entry;
  const letGo = hold();
  // Reading it is using the stream, unless the client uses it otherwise already.
  const isOurs = (): boolean => entry.turn === turn && entry.idleTimer !== undefined;
  const fetchPiece = async (): Promise<Uint8Array | undefined> => {
    if (isOurs()) entry.isRead = true;
    const { entries, done } = await cursor.fetch(Number.MAX_SAFE_INTEGER, PIECE_BYTES);
    if (isOurs()) {
      entry.isRead = false;
      streams.touch(entry);
    }
    const framed = entries.map((encoded) => frameCursorEntry(encoded, format));
    if (done && format === "json") framed.push(frameCursorEntry(CURSOR_TERMINATOR, format));
    // The stream can be used again before the client has taken the last piece.
    if (done) body.end();
    return framed.length > 0 || done ? Buffer.concat(framed) : fetchPiece();
  };
  let pending: Uint8Array | undefined = head;
  const body = new PulledBody({
    next() {
      const first = pending;
      pending = undefined;
      return first ?? fetchPiece();
    },
    onEnd() {
      if (isOurs()) entry.isRead = false;
      cursor.close();
      letGo();
    },
    stallTimeoutMs: options.streamIdleTimeoutMs,
    clock: options.clock,
  });
  return body;
}
