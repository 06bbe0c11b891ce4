import { encodeUtf8 } from "../framing/utf8.js";
import { varintSize, writeVarint } from "../framing/varint.js";
import { encodeAnswerHead, type HranaAnswerHead } from "./encode-answer-head.js";
import type { EncodedResult } from "./encoded-result.js";
import type { HranaFormat } from "./hrana-types.js";
import { joinBytes } from "./join-bytes.js";

/** Fields of `StreamResponse`. */
const RESPONSE_FIELDS: Readonly<Record<EncodedResult["type"], number>> = {
  close: 1,
  execute: 2,
  batch: 3,
  sequence: 4,
  describe: 5,
  store_sql: 6,
  close_sql: 7,
  get_autocommit: 8,
};

const COMMA = encodeUtf8(",");
const OK = encodeUtf8('{"type":"ok","response":');
const ERROR = encodeUtf8('{"type":"error","error":');
const END_OF_RESULT = encodeUtf8("}");
const END = encodeUtf8("]}");

/**
 * The body of an answer to a pipeline request, of results in the same format: one copy of their bytes. Throws `WireError`
 * `too-long` where there is no memory of that size.
 */
export function joinPipelineResponse(
  format: HranaFormat,
  head: HranaAnswerHead,
  results: readonly EncodedResult[],
): Uint8Array<ArrayBuffer> {
  return joinBytes(format === "json" ? jsonParts(head, results) : protobufParts(head, results));
}

function jsonParts(
  { baton, base_url }: HranaAnswerHead,
  results: readonly EncodedResult[],
): readonly Uint8Array[] {
  const beginning = `{"baton":${JSON.stringify(baton)},"base_url":${JSON.stringify(base_url)},"results":[`;
  const parts: Uint8Array[] = [encodeUtf8(beginning)];
  for (const [index, { ok, body }] of results.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(ok ? OK : ERROR, body, END_OF_RESULT);
  }
  parts.push(END);
  return parts;
}

function protobufParts(head: HranaAnswerHead, results: readonly EncodedResult[]): readonly Uint8Array[] {
  const parts: Uint8Array[] = [encodeAnswerHead(head)];
  for (const { ok, type, body } of results) {
    // From the inside: each message has its length before it.
    const response = ok ? messageStart(RESPONSE_FIELDS[type], body.length) : NOTHING;
    const result = messageStart(ok ? 1 : 2, response.length + body.length);
    parts.push(messageStart(3, result.length + response.length + body.length), result, response, body);
  }
  return parts;
}

const NOTHING = new Uint8Array();

/** Tag and length of a field that is a message. */
function messageStart(field: number, length: number): Uint8Array {
  const bytes = new Uint8Array(1 + varintSize(length));
  bytes[0] = (field << 3) | 2;
  writeVarint(bytes, 1, length);
  return bytes;
}
