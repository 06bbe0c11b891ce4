import type { IncomingMessage } from "node:http";
import type { SyncError } from "@tributary/core";
import { refusedConnect } from "@tributary/live";

/** What is read of a refusal, bytes: more than is shown of it. */
const MAX_TEXT_BYTES = 4096;

/** The error that an answer to a request for a WebSocket is, with what it says. Rejects when it cannot be read. */
export async function readRefusal(response: IncomingMessage, endpoint: string): Promise<SyncError> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response) {
    parts.push(part as Uint8Array);
    length += (part as Uint8Array).length;
    if (length >= MAX_TEXT_BYTES) break;
  }
  const text = Buffer.concat(parts).subarray(0, MAX_TEXT_BYTES).toString();
  return refusedConnect(response.statusCode ?? 0, endpoint, "WebSocket", text);
}
