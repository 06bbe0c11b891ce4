import type { ServerClock } from "../server-clock.js";
import type { HttpRequest, RequestBody } from "./http-request.js";
import { RequestError } from "./request-error.js";

/** How long a request body may be, and how slow. */
export interface BodyLimits {
  /** Longest body, bytes. */
  readonly maxBytes: number;
  /** How long the server waits for the next KiB of it, ms; 0: for ever. */
  readonly stallTimeoutMs: number;
  readonly clock: ServerClock;
}

/** What must come within a stall timeout: a body that trickles in byte by byte is no better than one that stands still. */
const PROGRESS_BYTES = 1_024;

/**
 * The body of a request, piece by piece as it comes: the next one is asked for when the last one has been dealt with, and
 * the time that takes is not counted. Throws `RequestError` 413 at once if the body is announced as too long; while it is
 * read 413 if it is, 408 if it does not go on, 400 if the client goes away. Then, and when the reader stops early, the
 * rest of the body is given up.
 */
export function limitBody(
  request: Pick<HttpRequest, "body" | "header">,
  limits: BodyLimits,
): AsyncGenerator<Uint8Array, void> {
  const announced = Number(request.header("content-length") ?? 0);
  if (announced > limits.maxBytes) throw tooLong(limits.maxBytes);
  return readPieces(request.body, limits);
}

async function* readPieces(
  body: RequestBody | undefined,
  limits: BodyLimits,
): AsyncGenerator<Uint8Array, void> {
  if (body === undefined) return;
  const { maxBytes, stallTimeoutMs, clock } = limits;
  let length = 0;
  let progress = 0;
  let waitedMs = 0;
  let isWhole = false;
  try {
    for (;;) {
      let piece = askForNext(body);
      if (piece instanceof Promise) {
        const start = clock.now();
        piece = await inTime(piece, stallTimeoutMs - waitedMs, limits);
        waitedMs += clock.now() - start;
      }
      if (piece === undefined) break;
      length += piece.length;
      if (length > maxBytes) throw tooLong(maxBytes);
      progress += piece.length;
      if (progress >= PROGRESS_BYTES) {
        progress = 0;
        waitedMs = 0;
      }
      yield piece;
    }
    isWhole = true;
  } finally {
    if (!isWhole) body.cancel();
  }
}

function askForNext(body: RequestBody): ReturnType<RequestBody["next"]> {
  try {
    return body.next();
  } catch (cause) {
    throw brokenOff(cause);
  }
}

/** What is waited for, if it comes in time. */
function inTime(
  awaited: Promise<Uint8Array | undefined>,
  waitMs: number,
  { stallTimeoutMs, clock }: BodyLimits,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const timer =
      stallTimeoutMs === 0
        ? undefined
        : clock.startTimer(Math.max(0, waitMs), () =>
            reject(new RequestError(408, `the request body did not go on for ${stallTimeoutMs} ms`)),
          );
    awaited.then(
      (piece) => {
        timer?.cancel();
        resolve(piece);
      },
      (cause: unknown) => {
        timer?.cancel();
        reject(brokenOff(cause));
      },
    );
  });
}

function brokenOff(cause: unknown): RequestError {
  return new RequestError(400, "the request body ended before it was whole", { cause });
}

function tooLong(maxBytes: number): RequestError {
  return new RequestError(413, `the request body is longer than ${maxBytes} bytes`);
}
