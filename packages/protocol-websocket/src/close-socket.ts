/** As RFC 6455 has it. */
const MAX_REASON_BYTES = 123;

/** Closes a socket; the reason is shortened to what a close frame can hold. Never throws. */
export function closeSocket(
  socket: { close(code?: number, reason?: string): unknown },
  code: number,
  reason: string,
): void {
  try {
    socket.close(code, shorten(reason));
  } catch {
    // Sockets made like those of browsers let programs use few codes.
    socket.close();
  }
}

function shorten(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  // A character that was cut in two is left out.
  return new TextDecoder().decode(bytes.subarray(0, MAX_REASON_BYTES)).replace(/\uFFFD+$/, "");
}
