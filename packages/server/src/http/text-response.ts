import type { HranaFormat } from "@tributary/wire";
import type { HttpResponse } from "./http-response.js";

/**
 * An answer of plain text. The content type is exact, without a charset: hrana-client compares it as a string, and drops
 * the message if it finds anything else.
 */
export function textResponse(status: number, text: string): HttpResponse {
  return sized(status, "text/plain", text);
}

/** An answer of JSON text; the content type is exact for the same reason. */
export function jsonResponse(status: number, json: string): HttpResponse {
  return sized(status, "application/json", json);
}

/** An answer that is encoded already. */
export function encodedResponse(body: Uint8Array, format: HranaFormat): HttpResponse {
  return bytesResponse(format === "json" ? "application/json" : "application/x-protobuf", body);
}

/** The same, of any type. */
export function bytesResponse(type: string, body: Uint8Array): HttpResponse {
  return sized(200, type, body);
}

/** With its length, which reports tell. */
function sized(status: number, type: string, body: string | Uint8Array): HttpResponse {
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  return { status, headers: { "content-type": type, "content-length": String(length) }, body };
}
