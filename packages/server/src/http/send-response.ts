import type { ServerResponse } from "node:http";
import type { HttpResponse } from "./http-response.js";
import { PulledBody } from "./pulled-body.js";

/** So much of a body is sent before others have their turn, bytes: what the system takes at once is no reason to wait. */
const TURN_BYTES = 1024 * 1024;

/**
 * Sends an answer over `node:http`. A body that is made on the way is made no faster than the client takes it; where that
 * fails the connection is cut, so that the client sees that it is not whole. Never rejects.
 */
export async function sendResponse(
  { status, headers, body }: HttpResponse,
  response: ServerResponse,
): Promise<void> {
  // The client may have gone before there was anything to send, or its host have answered it, as one with a time limit does.
  const isOver = response.destroyed || response.headersSent;
  if (body instanceof PulledBody) {
    if (isOver || response.req.method === "HEAD") body.end();
    if (isOver) return;
    response.writeHead(status, headers);
    await sendPieces(body, response);
    return;
  }
  if (isOver) return;
  const length = typeof body === "string" ? Buffer.byteLength(body) : (body?.length ?? 0);
  if (status !== 204) headers["content-length"] ??= String(length);
  response.writeHead(status, headers).end(body);
}

async function sendPieces(body: PulledBody, response: ServerResponse): Promise<void> {
  const cutOff = (): void => void response.destroy();
  // A client that has stopped reading asks for nothing any more, and would not find out.
  body.onStall = cutOff;
  const end = (): void => body.end();
  response.once("close", end);
  let sent = 0;
  try {
    for (;;) {
      const given = body.next();
      const piece = given instanceof Promise ? await given : given;
      if (piece === undefined || response.destroyed) break;
      if (!response.write(piece)) await whenDrained(response);
      sent += piece.length;
      if (sent < TURN_BYTES) continue;
      sent = 0;
      await new Promise(setImmediate);
    }
    response.end();
  } catch {
    // Whatever it was, all that the client can be told any more is that this was not all.
    cutOff();
  }
}

/** Resolves when what was written has been taken, or nothing is any more. */
function whenDrained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off("drain", settle).off("close", settle);
      resolve();
    };
    response.on("drain", settle).on("close", settle);
  });
}
