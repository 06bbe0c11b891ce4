/** A whole HTTP/1.1 response at the beginning of some bytes. */
export interface HttpResponse {
  readonly status: number;
  readonly body: Buffer;
  /** The server closes the connection after it. */
  readonly isLast: boolean;
}

/**
 * Reads a response; `undefined` while it is not all there. For load generators, which send one request at a time: nothing may
 * follow it. Knows responses that tell their length, or come in chunks.
 */
export function readHttpResponse(bytes: Buffer): HttpResponse | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(head.slice(9, 12));
  const isLast = /\r\nconnection: close/i.test(head);
  const rest = bytes.subarray(headEnd + 4);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    return rest.length < Number(length) ? undefined : { status, body: rest, isLast };
  }
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) throw new Error("a response without a length");
  const body = readChunks(rest);
  return body === undefined ? undefined : { status, body, isLast };
}

function readChunks(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const from = lineEnd + 2;
    at = from + size + 2;
    if (bytes.length < at) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(from, from + size));
  }
}
