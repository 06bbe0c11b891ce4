import { ByteWriter } from "../framing/byte-writer.js";
import { joinBytes } from "../hrana/join-bytes.js";
import { WireError } from "../wire-error.js";
import type { LiveMessage } from "./live-messages.js";
import { LIVE_KINDS, LIVE_TAGS } from "./live-tags.js";

const PAGE_BYTES = 4096;

/** One for all messages: memory of its own for each took longer than writing it. */
const writer = new ByteWriter();

/** A message of the live protocol, of its own memory. Throws `WireError` `unsupported` where it cannot be written. */
export function encodeLiveMessage(message: LiveMessage): Uint8Array<ArrayBuffer> {
  writer.truncate(0);
  writer.byte(LIVE_TAGS[message.type]);
  const rest = writeFields(message);
  return rest === undefined ? writer.written.slice() : joinBytes([writer.written, rest]);
}

/** Gives what comes last and may be long. */
function writeFields(message: LiveMessage): Uint8Array | undefined {
  switch (message.type) {
    case "hello":
      writer.uint(message.version);
      writeOptional(message.token, (token) => writer.text(token));
      writer.text(message.client);
      return undefined;
    case "token":
      writer.text(message.token);
      return undefined;
    case "open":
      writer.uint(message.sub);
      writer.byte(LIVE_KINDS.indexOf(message.kind));
      writer.text(message.database);
      return undefined;
    case "close":
    case "opened":
      writer.uint(message.sub);
      return undefined;
    case "pull":
      writer.uint(message.sub);
      writer.uint(message.pull);
      writeOptional(message.clientRevision, (revision) => writer.text(revision));
      writeOptional(message.serverRevision, (revision) => writer.text(revision));
      writeOptional(message.pages, ({ from, to }) => {
        writer.uint(from);
        writer.uint(to);
      });
      writer.uint(message.waitMs);
      writer.uint(message.credit);
      return undefined;
    case "credit":
      writer.uint(message.sub);
      writer.uint(message.pull);
      writer.uint(message.bytes);
      return undefined;
    case "cancel":
    case "end":
      writer.uint(message.sub);
      writer.uint(message.pull);
      return undefined;
    case "push":
      writer.uint(message.sub);
      writer.uint(message.push);
      writer.byte(message.isContinued ? 1 : 0);
      return message.body;
    case "welcome":
      writeOptional(message.expiresInMs, (milliseconds) => writer.uint(milliseconds));
      writer.uint(message.keepAliveMs);
      writer.uint(message.maxMessageBytes);
      return undefined;
    case "header":
      writer.uint(message.sub);
      writer.uint(message.pull);
      writer.text(message.revision);
      writer.uint(message.databaseSize);
      return undefined;
    case "pages":
      writer.uint(message.sub);
      writer.uint(message.pull);
      writePageIds(message.pageIds, message.bytes.length);
      return message.bytes;
    case "pushed":
      writer.uint(message.sub);
      writer.uint(message.push);
      return message.body;
    case "failed":
      writer.uint(message.sub);
      writer.uint(message.request);
      writer.uint(message.status);
      writer.text(message.code);
      writer.text(message.message);
      writeOptional(message.retryAfterMs, (milliseconds) => writer.uint(milliseconds));
      return undefined;
    case "data":
      writer.uint(message.sub);
      return message.payload;
    case "ping":
    case "pong":
      writer.uint(message.nonce);
      return undefined;
    default:
      return unknownMessage(message);
  }
}

function writeOptional<T>(value: T | undefined, write: (value: T) => void): void {
  writer.byte(value === undefined ? 0 : 1);
  if (value !== undefined) write(value);
}

function writePageIds(pageIds: Uint32Array, length: number): void {
  if (length !== pageIds.length * PAGE_BYTES)
    throw new WireError("unsupported", `${length} bytes are not ${pageIds.length} pages`);
  writer.uint(pageIds.length);
  for (const pageId of pageIds) writer.uint32(pageId);
}

function unknownMessage(message: never): never {
  throw new WireError("unsupported", `unknown message ${JSON.stringify(message)}`);
}
