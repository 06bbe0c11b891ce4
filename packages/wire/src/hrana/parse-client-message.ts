import { checkBatch, int32, REQUEST_CHECKS } from "./check-request.js";
import type { HranaClientMessage, HranaSocketRequest, HranaStreamMessage } from "./hrana-types.js";
import { JsonCursor, type JsonObject, nullableString } from "./json-cursor.js";
import { type HranaReadOptions, StatementCount } from "./statement-count.js";

/**
 * Reads a message of a client on a socket. Checked as `parsePipelineRequest` does it; the request counts as one. Throws
 * `WireError` that names the place.
 */
export function parseClientMessage(text: string, options?: HranaReadOptions): HranaClientMessage {
  const cursor = new JsonCursor(new StatementCount(options));
  const message = cursor.object(JsonCursor.parse(text));
  if (message.type === "hello") return { type: "hello", jwt: cursor.member(message, "jwt", nullableString) };
  if (message.type !== "request")
    return cursor.member(message, "type", (type) => cursor.fail(`"hello" or "request"`, type));
  const requestId = cursor.member(message, "request_id", int32);
  cursor.member(message, "request", checkSocketRequest);
  return { type: "request", request_id: requestId, request: message.request as HranaSocketRequest };
}

function checkSocketRequest(value: unknown, cursor: JsonCursor): void {
  cursor.statements.add();
  const request = cursor.object(value);
  const check = SOCKET_CHECKS.get(request.type);
  if (check === undefined) cursor.member(request, "type", (type) => cursor.fail("a type of request", type));
  else check(request, cursor);
}

type Check = (request: JsonObject, cursor: JsonCursor) => void;

const SOCKET_CHECKS: ReadonlyMap<unknown, Check> = new Map<HranaSocketRequest["type"], Check>([
  ["open_stream", checkIds("stream_id")],
  ["close_stream", checkIds("stream_id")],
  ["execute", onStream("execute")],
  ["batch", onStream("batch")],
  ["sequence", onStream("sequence")],
  ["describe", onStream("describe")],
  ["get_autocommit", onStream("get_autocommit")],
  // Stored SQL belongs to the socket as a whole.
  ["store_sql", REQUEST_CHECKS.store_sql],
  ["close_sql", REQUEST_CHECKS.close_sql],
  [
    "open_cursor",
    (request, cursor) => {
      checkIds("stream_id", "cursor_id")(request, cursor);
      cursor.member(request, "batch", checkBatch);
    },
  ],
  [
    "fetch_cursor",
    (request, cursor) => {
      checkIds("cursor_id")(request, cursor);
      cursor.member(request, "max_count", (count) => cursor.integer(count, 0, 2 ** 32 - 1));
    },
  ],
  ["close_cursor", checkIds("cursor_id")],
]);

function onStream(type: HranaStreamMessage["type"]): Check {
  return (request, cursor) => {
    cursor.member(request, "stream_id", int32);
    REQUEST_CHECKS[type](request, cursor);
  };
}

function checkIds(...names: readonly string[]): Check {
  return (request, cursor) => {
    for (const name of names) cursor.member(request, name, int32);
  };
}
