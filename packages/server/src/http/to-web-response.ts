import type { HttpResponse } from "./http-response.js";
import { PulledBody } from "./pulled-body.js";
import { toReadableStream } from "./to-readable-stream.js";

/** An answer as the web has it. */
export function toWebResponse({ status, headers, body }: HttpResponse): Response {
  const given =
    body instanceof PulledBody ? toReadableStream(body) : (body as Uint8Array<ArrayBuffer> | string);
  return new Response(given ?? null, { status, headers });
}
