import type { HttpRequest } from "./http-request.js";
import { type BodyLimits, limitBody } from "./limit-body.js";

/** The whole body of a request. Throws as `limitBody` does: `RequestError` 413, 408 or 400. */
export async function readBody(
  request: Pick<HttpRequest, "body" | "header">,
  limits: BodyLimits,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of limitBody(request, limits)) pieces.push(piece);
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}
