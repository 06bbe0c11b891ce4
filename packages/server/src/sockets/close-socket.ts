import type { SyncSocket } from "./sync-socket.js";

/** As RFC 6455 has it. */
const MAX_REASON_BYTES = 123;

/** Closes a socket; the reason is shortened to what a close frame can hold. */
export function closeSocket(socket: SyncSocket, code: number, reason: string): void {
  try {
    socket.close(code, shorten(reason));
  } catch {
    // Sockets made like those of browsers let programs use few codes.
    socket.close();
  }
}

function shorten(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  // A character that was cut in two is left out.
  return bytes
    .subarray(0, MAX_REASON_BYTES)
    .toString()
    .replace(/\uFFFD+$/, "");
}
