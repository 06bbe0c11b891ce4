import type { Duplex } from "node:stream";
import type { LiveClock } from "@tributary/live";
import type { WebSocket } from "ws";

/** More than the frames of the first message, and pings, add to it, bytes. */
const MAX_FRAMING_BYTES = 4 * 1024;

/** What the first message of a socket may take. */
export interface FirstMessageLimits {
  /** Bytes. */
  readonly maxBytes: number;
  /** ms; 0: any. */
  readonly timeoutMs: number;
  readonly clock: LiveClock;
}

/**
 * Cuts a socket off whose first message gets too long or does not come. To be called before it has received anything. `ws`
 * has one limit for all messages, and keeps what has come of one until it is whole, from whoever sends it.
 */
export function limitFirstMessage(socket: WebSocket, connection: Duplex, limits: FirstMessageLimits): void {
  let bytes = 0;
  let isOver = false;
  const timer =
    limits.timeoutMs > 0 ? limits.clock.startTimer(limits.timeoutMs, () => socket.terminate()) : undefined;
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.length;
    // Whatever comes in one piece with the end of the first message is not of it.
    if (!isOver && bytes > limits.maxBytes + MAX_FRAMING_BYTES) socket.terminate();
  };
  const end = (): void => {
    isOver = true;
    timer?.cancel();
    connection.off("data", count);
  };
  connection.on("data", count);
  socket.once("message", end);
  socket.once("close", end);
}
