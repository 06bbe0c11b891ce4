import type { HranaFormat } from "@tributary/wire";

/**
 * An answer of plain text. The content type is exact, without a charset: hrana-client compares it as a string, and drops
 * the message if it finds anything else.
 */
export function textResponse(status: number, text: string): Response {
  return sized(status, "text/plain", text);
}

/** An answer of JSON text; the content type is exact for the same reason. */
export function jsonResponse(status: number, json: string): Response {
  return sized(status, "application/json", json);
}

/** An answer that is encoded already. */
export function encodedResponse(body: Uint8Array<ArrayBuffer>, format: HranaFormat): Response {
  const type = format === "json" ? "application/json" : "application/x-protobuf";
  return sized(200, type, body);
}

/** With its length, which reports tell. */
function sized(status: number, type: string, body: string | Uint8Array<ArrayBuffer>): Response {
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  return new Response(body, { status, headers: { "content-type": type, "content-length": String(length) } });
}
