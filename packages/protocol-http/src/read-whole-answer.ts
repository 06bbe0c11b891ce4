import type { RemoteAnswer } from "./remote-answer.js";

/** The whole body of an answer. Rejects with `AttemptFailure`, or `SyncError` where it is longer than `maxBytes`. */
export async function readWholeAnswer(answer: RemoteAnswer, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let part = await answer.read(); part !== undefined; part = await answer.read()) {
    length += part.length;
    if (length > maxBytes) {
      answer.discard();
      throw answer.error("unexpected-response", `answered with more than ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}
