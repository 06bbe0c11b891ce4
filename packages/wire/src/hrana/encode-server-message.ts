import type { ProtobufWriter } from "../framing/protobuf-writer.js";
import { decodeUtf8 } from "../framing/utf8.js";
import { WireError } from "../wire-error.js";
import type { EncodedResult } from "./encoded-result.js";
import type { HranaError, HranaFormat } from "./hrana-types.js";
import { encodeProtobuf, limitLength } from "./hrana-writer.js";
import { stringifyList } from "./stringify-value.js";
import { writeError, writeMessage } from "./write-response.js";

/** What a server sends on a socket. Encoded parts have the format of the message. */
export type HranaServerMessage =
  | { readonly type: "hello_ok" }
  | { readonly type: "hello_error"; readonly error: HranaError }
  | { readonly type: "response_error"; readonly request_id: number; readonly error: HranaError }
  /** Becomes a `response_error` where the result is one. */
  | { readonly type: "response_ok"; readonly request_id: number; readonly result: EncodedResult }
  | { readonly type: "response_ok"; readonly request_id: number; readonly response: HranaSocketResponse };

/** The response to a request that is not one of a stream. */
export type HranaSocketResponse =
  | {
      readonly type:
        | "open_stream"
        | "close_stream"
        | "open_cursor"
        | "close_cursor"
        | "store_sql"
        | "close_sql";
    }
  /** `entries`: as `encodeCursorEntry` gives them. */
  | { readonly type: "fetch_cursor"; readonly entries: readonly Uint8Array[]; readonly done: boolean };

/** Fields of the response in `ResponseOk`. There is no `close`: a socket closes its streams by `close_stream`. */
const RESPONSE_FIELDS: Readonly<
  Record<Exclude<EncodedResult["type"], "close"> | HranaSocketResponse["type"], number>
> = {
  open_stream: 2,
  close_stream: 3,
  execute: 4,
  batch: 5,
  open_cursor: 6,
  close_cursor: 7,
  fetch_cursor: 8,
  sequence: 9,
  describe: 10,
  store_sql: 11,
  close_sql: 12,
  get_autocommit: 13,
};

/**
 * A message of the server: a text for JSON, bytes for protobuf. Throws `WireError`: `unsupported` for the result of a
 * `close`, `too-long` where JavaScript cannot hold the message.
 */
export function encodeServerMessage(
  message: HranaServerMessage,
  format: HranaFormat,
): string | Uint8Array<ArrayBuffer> {
  if (format === "json") return limitLength(() => stringifyMessage(message));
  return encodeProtobuf((writer) => writeServerMessage(message, writer));
}

function stringifyMessage(message: HranaServerMessage): string {
  if (message.type !== "response_ok") return JSON.stringify(message);
  const id = JSON.stringify(message.request_id);
  if (!("result" in message)) {
    return `{"type":"response_ok","request_id":${id},"response":${stringifySocketResponse(message.response)}}`;
  }
  const { ok, body } = message.result;
  refuseClose(message.result);
  return ok
    ? `{"type":"response_ok","request_id":${id},"response":${decodeUtf8(body)}}`
    : `{"type":"response_error","request_id":${id},"error":${decodeUtf8(body)}}`;
}

function stringifySocketResponse(response: HranaSocketResponse): string {
  if (response.type !== "fetch_cursor") return JSON.stringify({ type: response.type });
  const entries = stringifyList(response.entries, decodeUtf8);
  return `{"type":"fetch_cursor","entries":${entries},"done":${response.done}}`;
}

function writeServerMessage(message: HranaServerMessage, writer: ProtobufWriter): void {
  switch (message.type) {
    case "hello_ok":
      writer.empty(1);
      break;
    case "hello_error": {
      const start = writer.open(2);
      writeMessage(writer, 1, message.error, writeError);
      writer.close(start);
      break;
    }
    case "response_error": {
      const start = writer.open(4);
      if (message.request_id !== 0) writer.int32(1, message.request_id);
      writeMessage(writer, 2, message.error, writeError);
      writer.close(start);
      break;
    }
    case "response_ok": {
      const isOk = !("result" in message) || message.result.ok;
      const start = writer.open(isOk ? 3 : 4);
      if (message.request_id !== 0) writer.int32(1, message.request_id);
      if (!("result" in message)) writeSocketResponse(message.response, writer);
      else writer.bytes(isOk ? RESPONSE_FIELDS[refuseClose(message.result)] : 2, message.result.body);
      writer.close(start);
      break;
    }
  }
}

function writeSocketResponse(response: HranaSocketResponse, writer: ProtobufWriter): void {
  const start = writer.open(RESPONSE_FIELDS[response.type]);
  if (response.type === "fetch_cursor") {
    for (const entry of response.entries) writer.bytes(1, entry);
    if (response.done) writer.bool(2, true);
  }
  writer.close(start);
}

function refuseClose({ type }: EncodedResult): Exclude<EncodedResult["type"], "close"> {
  if (type === "close") throw new WireError("unsupported", "a socket has no response to close");
  return type;
}
