import { ProtobufReader } from "../framing/protobuf-reader.js";
import type { HranaClientMessage, HranaSocketRequest } from "./hrana-types.js";
import { readMember } from "./read-request.js";
import { type RequestParts, readRequestParts, requireBatch, toStreamRequest } from "./read-request-parts.js";
import { type HranaReadOptions, StatementCount } from "./statement-count.js";

/** As `parseClientMessage`, for protobuf. A float may be any, also one that is not finite. */
export function decodeClientMessage(bytes: Uint8Array, options?: HranaReadOptions): HranaClientMessage {
  const reader = new ProtobufReader(bytes);
  const count = new StatementCount(options);
  let message: HranaClientMessage | undefined;
  while (reader.next()) {
    if (reader.field === 1) message = readMember(reader, "hello", readHello);
    else if (reader.field === 2) message = readMember(reader, "request", () => readRequest(reader, count));
    else reader.skip();
  }
  return message ?? reader.fail("a message of a type that is known");
}

function readHello(reader: ProtobufReader): HranaClientMessage {
  let jwt: string | null = null;
  while (reader.next()) {
    if (reader.field === 1) jwt = reader.string("jwt");
    else reader.skip();
  }
  return { type: "hello", jwt };
}

/** Types of requests by their fields in `Request`, and the fields of each. */
const REQUESTS: Readonly<
  Record<number, readonly [HranaSocketRequest["type"], readonly (keyof RequestParts)[]]>
> = {
  2: ["open_stream", ["stream_id"]],
  3: ["close_stream", ["stream_id"]],
  4: ["execute", ["stream_id", "stmt"]],
  5: ["batch", ["stream_id", "batch"]],
  6: ["open_cursor", ["stream_id", "cursor_id", "batch"]],
  7: ["close_cursor", ["cursor_id"]],
  8: ["fetch_cursor", ["cursor_id", "max_count"]],
  9: ["sequence", ["stream_id", "sql", "sql_id"]],
  10: ["describe", ["stream_id", "sql", "sql_id"]],
  11: ["store_sql", ["sql_id", "sql"]],
  12: ["close_sql", ["sql_id"]],
  13: ["get_autocommit", ["stream_id"]],
};

function readRequest(reader: ProtobufReader, count: StatementCount): HranaClientMessage {
  count.add();
  let id = 0;
  let request: HranaSocketRequest | undefined;
  while (reader.next()) {
    const found = REQUESTS[reader.field];
    if (reader.field === 1) id = reader.int32("request_id");
    else if (found === undefined) reader.skip();
    else {
      const [type, names] = found;
      request = readMember(reader, type, () =>
        toSocketRequest(type, readRequestParts(reader, names, count), reader),
      );
    }
  }
  return { type: "request", request_id: id, request: request ?? reader.fail("of a type that is known") };
}

/** An id that is not there is 0: protobuf does not write it. */
function toSocketRequest(
  type: HranaSocketRequest["type"],
  parts: RequestParts,
  reader: ProtobufReader,
): HranaSocketRequest {
  const { stream_id = 0, cursor_id = 0, max_count = 0 } = parts;
  switch (type) {
    case "open_stream":
    case "close_stream":
      return { type, stream_id };
    case "open_cursor":
      return { type, stream_id, cursor_id, batch: requireBatch(parts, reader) };
    case "fetch_cursor":
      return { type, cursor_id, max_count };
    case "close_cursor":
      return { type, cursor_id };
    case "store_sql":
    case "close_sql":
      return toStreamRequest(type, parts, reader) as HranaSocketRequest;
    default:
      return { ...toStreamRequest(type, parts, reader), stream_id } as HranaSocketRequest;
  }
}
