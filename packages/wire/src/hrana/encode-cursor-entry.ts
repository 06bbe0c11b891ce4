import { delimit } from "../framing/delimit.js";
import { encodeUtf8 } from "../framing/utf8.js";
import { encodeAnswerHead, type HranaAnswerHead } from "./encode-answer-head.js";
import type { HranaCursorEntry, HranaFormat } from "./hrana-types.js";
import { encodeJson, encodeProtobuf } from "./hrana-writer.js";
import { stringifyCursorEntry } from "./stringify-response.js";
import { writeCursorEntry } from "./write-response.js";

const NEWLINE = 0x0a;

/**
 * The last entry of a cursor over HTTP in JSON, bare. Turso's protocol calls its absence an error. Nobody else may get it:
 * other clients refuse an entry that they do not know.
 */
export const CURSOR_TERMINATOR: Uint8Array = encodeUtf8(
  '{"type":"replication_index","replication_index":null}',
);

/**
 * An entry, bare: `frameCursorEntry` makes it one of a body. A float that is not finite becomes null in JSON. Throws
 * `WireError` as `encodeStreamResult` does.
 */
export function encodeCursorEntry(entry: HranaCursorEntry, format: HranaFormat): Uint8Array<ArrayBuffer> {
  if (format === "json") return encodeJson(() => stringifyCursorEntry(entry));
  return encodeProtobuf((writer) => writeCursorEntry(entry, writer));
}

/** The item of a cursor's body that is an encoded entry: a line of JSON, a protobuf message after its length. */
export function frameCursorEntry(encoded: Uint8Array, format: HranaFormat): Uint8Array {
  if (format === "protobuf") return delimit(encoded);
  const line = new Uint8Array(encoded.length + 1);
  line.set(encoded);
  line[encoded.length] = NEWLINE;
  return line;
}

/** The first item of a cursor's body, framed. */
export function encodeCursorHead(format: HranaFormat, head: HranaAnswerHead): Uint8Array {
  if (format === "protobuf") return delimit(encodeAnswerHead(head));
  const { baton, base_url } = head;
  return encodeUtf8(`${JSON.stringify({ baton, base_url })}\n`);
}
