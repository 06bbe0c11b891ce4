/** The body of a request, as long as it is not too long, or breaks off. Takes no memory for what has not come. */
export async function readBody(
  request: Request,
  maxBytes: number,
  onBytes: () => void,
): Promise<Uint8Array | "too-long" | "broken"> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return "too-long";
  if (request.body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of request.body) {
      onBytes();
      parts.push(part);
      length += part.length;
      if (length > maxBytes) return "too-long";
    }
  } catch {
    // The client is gone, and gets no answer; it will send the same again.
    return "broken";
  }
  return Buffer.concat(parts, length);
}
