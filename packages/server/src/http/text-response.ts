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
