export interface ReadBodyOptions {
  readonly maxBytes: number;
  /** Fires when nobody wants the rest. */
  readonly signal: AbortSignal;
  /** So many bytes more are in memory. False: there is no room for them. */
  readonly onBytes: (count: number) => boolean;
}

/** The body of a request, as long as it is not too long, there is room, and it does not break off. Takes no memory for what has not come. */
export async function readBody(
  request: Request,
  { maxBytes, signal, onBytes }: ReadBodyOptions,
): Promise<Uint8Array | "too-long" | "no-room" | "broken"> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return "too-long";
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  // A body that has failed rejects with what `read` rejects with too.
  const giveUp = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", giveUp, { once: true });
  const parts: Uint8Array[] = [];
  let length = 0;
  let result: "too-long" | "no-room" | undefined;
  try {
    while (result === undefined) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) break;
      parts.push(value);
      length += value.length;
      if (length > maxBytes) result = "too-long";
      else if (!onBytes(value.length)) result = "no-room";
    }
  } catch {
    // The client is gone, and gets no answer; it will send the same again.
    return "broken";
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  if (result !== undefined) giveUp();
  return result ?? Buffer.concat(parts, length);
}
