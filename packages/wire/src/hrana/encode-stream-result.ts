import type { EncodedResult } from "./encoded-result.js";
import type { HranaFormat, HranaStreamRequest, HranaStreamResult } from "./hrana-types.js";
import { encodeJson, encodeProtobuf } from "./hrana-writer.js";
import { stringifyResponse } from "./stringify-response.js";
import { writeError, writeResponse } from "./write-response.js";

/**
 * Encodes what came of a request of that type. A float that is not finite becomes null in JSON. Throws `WireError`:
 * `too-long` where JavaScript cannot hold it, `unsupported` for an integer that is none of 64 bits.
 */
export function encodeStreamResult(
  type: HranaStreamRequest["type"],
  result: HranaStreamResult,
  format: HranaFormat,
): EncodedResult {
  return { ok: result.type === "ok", type, body: encodeBody(result, format) };
}

function encodeBody(result: HranaStreamResult, format: HranaFormat): Uint8Array<ArrayBuffer> {
  if (format === "json") {
    return encodeJson(() =>
      result.type === "ok" ? stringifyResponse(result.response) : JSON.stringify(result.error),
    );
  }
  return encodeProtobuf((writer) => {
    if (result.type === "ok") writeResponse(result.response, writer);
    else writeError(result.error, writer);
  });
}
