import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/** Longest message before the first hello was answered: nobody is known yet who would be let send more, bytes. */
export const MAX_HELLO_BYTES: number = 64 * 1024;
/** More than the frames of the first message, and pings, add to it, bytes. */
const MAX_FRAMING_BYTES = 4 * 1024;

/**
 * Cuts a socket off whose first message gets too long. To be called before it has received anything. `ws` has one limit for
 * all messages and keeps what has come of one until it is whole, from whoever sends it.
 */
export function limitFirstMessage(socket: WebSocket, connection: Duplex): void {
  let bytes = 0;
  let isOver = false;
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.length;
    // Whatever comes in one piece with the end of the first message is not of it.
    if (!isOver && bytes > MAX_HELLO_BYTES + MAX_FRAMING_BYTES) socket.terminate();
  };
  connection.on("data", count);
  socket.once("message", () => {
    isOver = true;
    connection.off("data", count);
  });
}
