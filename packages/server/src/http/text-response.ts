import type { HranaFormat } from "@tributary/wire";

/**
 * An answer of plain text. The content type is exact, without a charset: hrana-client compares it as a string, and drops
 * the message if it finds anything else.
 */
export function textResponse(status: number, text: string): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain" } });
}

/** An answer of JSON text; the content type is exact for the same reason. */
export function jsonResponse(status: number, json: string): Response {
  return new Response(json, { status, headers: { "content-type": "application/json" } });
}

/** An answer that is encoded already. */
export function encodedResponse(body: Uint8Array<ArrayBuffer>, format: HranaFormat): Response {
  const type = format === "json" ? "application/json" : "application/x-protobuf";
  return new Response(body, { headers: { "content-type": type } });
}
