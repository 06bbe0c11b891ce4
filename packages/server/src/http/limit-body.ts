import type { ServerClock } from "../server-clock.js";
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
export function limitBody(request: Request, limits: BodyLimits): AsyncGenerator<Uint8Array, void> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > limits.maxBytes) throw tooLong(limits.maxBytes);
  return readPieces(request, limits);
}

async function* readPieces(request: Request, limits: BodyLimits): AsyncGenerator<Uint8Array, void> {
  if (request.body === null) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const { maxBytes, stallTimeoutMs, clock } = limits;
  let length = 0;
  let progress = 0;
  let waitedMs = 0;
  let isWhole = false;
  try {
    for (;;) {
      const start = clock.now();
      const piece = await nextPiece(reader, request.signal, stallTimeoutMs - waitedMs, limits);
      if (piece === undefined) break;
      length += piece.length;
      if (length > maxBytes) throw tooLong(maxBytes);
      waitedMs += clock.now() - start;
      progress += piece.length;
      if (progress >= PROGRESS_BYTES) {
        progress = 0;
        waitedMs = 0;
      }
      yield piece;
    }
    isWhole = true;
  } finally {
    // Not waited for: a source that never ends its cancelling must not hold up the answer. One that fails was done with.
    if (!isWhole) reader.cancel().catch(() => {});
  }
}

/** The next piece of a body, undefined at its end. */
function nextPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal,
  waitMs: number,
  { stallTimeoutMs, clock }: BodyLimits,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const timer =
      stallTimeoutMs === 0
        ? undefined
        : clock.startTimer(Math.max(0, waitMs), () => {
            settle();
            reject(new RequestError(408, `the request body did not go on for ${stallTimeoutMs} ms`));
          });
    const giveUp = (cause: unknown): void => {
      settle();
      reject(new RequestError(400, "the request body ended before it was whole", { cause }));
    };
    const onAbort = (): void => giveUp(signal.reason);
    const settle = (): void => {
      timer?.cancel();
      signal.removeEventListener("abort", onAbort);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    reader.read().then(({ done, value }) => {
      settle();
      resolve(done ? undefined : value);
    }, giveUp);
  });
}

function tooLong(maxBytes: number): RequestError {
  return new RequestError(413, `the request body is longer than ${maxBytes} bytes`);
}
