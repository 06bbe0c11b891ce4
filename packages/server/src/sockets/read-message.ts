import {
  decodeClientMessage,
  type HranaClientMessage,
  type HranaFormat,
  parseClientMessage,
  WireError,
} from "@tributary/wire";
import { CloseCode, SocketViolation } from "./socket-violation.js";

/** A message as it came, and its length in bytes. */
export interface RawMessage {
  readonly data: string | Uint8Array;
  readonly bytes: number;
}

/** Takes a message from the event of a socket. Throws `SocketViolation` where it is of the wrong kind, or too long. */
export function takeMessage(data: unknown, format: HranaFormat, maxBytes: number): RawMessage {
  const message = typeof data === "string" ? data : toBytes(data);
  if (typeof message === "string" ? format !== "json" : format !== "protobuf") {
    throw new SocketViolation(
      format === "json" ? "only text messages are accepted" : "only binary messages are accepted",
      CloseCode.wrongFrame,
    );
  }
  const bytes = typeof message === "string" ? byteLength(message, maxBytes) : message.length;
  if (bytes > maxBytes) {
    throw new SocketViolation(`the message is longer than ${maxBytes} bytes`, CloseCode.tooBig);
  }
  return { data: message, bytes };
}

/** Reads a message. Throws `SocketViolation` where it is none, or holds too many statements. */
export function readMessage({ data }: RawMessage, maxStatements: number): HranaClientMessage {
  try {
    return typeof data === "string"
      ? parseClientMessage(data, { maxStatements })
      : decodeClientMessage(data, { maxStatements });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const isTooBig = error.code === "too-many" || error.code === "too-long";
    throw new SocketViolation(error.message, isTooBig ? CloseCode.tooBig : CloseCode.invalidData);
  }
}

function toBytes(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError("a socket gave a message that is neither text nor ArrayBuffer nor Uint8Array");
}

/** Of a text that is longer than allowed even before it is encoded, its length is not counted further. */
function byteLength(text: string, maxBytes: number): number {
  return text.length > maxBytes ? text.length : Buffer.byteLength(text);
}
