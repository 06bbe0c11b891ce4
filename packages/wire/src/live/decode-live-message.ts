import { ByteReader } from "../framing/byte-reader.js";
import { WireError } from "../wire-error.js";
import type { LiveClientMessage, LiveKind, LiveServerMessage, LiveSharedMessage } from "./live-messages.js";
import { LIVE_KINDS, LIVE_TAGS } from "./live-tags.js";

const PAGE_BYTES = 4096;
const PAGE_ID_BYTES = 4;

/** Reads a message of a client. What is long in it is a view of the bytes. Throws `WireError`. */
export function decodeLiveClientMessage(bytes: Uint8Array): LiveClientMessage {
  return decode(bytes, readClientMessage);
}

/** Reads a message of a server. What is long in it is a view of the bytes. Throws `WireError`. */
export function decodeLiveServerMessage(bytes: Uint8Array): LiveServerMessage {
  return decode(bytes, readServerMessage);
}

function decode<T>(bytes: Uint8Array, read: (tag: number, reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes);
  const message = read(reader.byte(), reader);
  reader.end();
  return message;
}

function readClientMessage(tag: number, reader: ByteReader): LiveClientMessage {
  switch (tag) {
    case LIVE_TAGS.hello:
      return {
        type: "hello",
        version: reader.uint(),
        token: readOptional(reader, () => reader.text()),
        client: reader.text(),
      };
    case LIVE_TAGS.token:
      return { type: "token", token: reader.text() };
    case LIVE_TAGS.open:
      return { type: "open", sub: readNumber(reader), kind: readKind(reader), database: reader.text() };
    case LIVE_TAGS.close:
      return { type: "close", sub: readNumber(reader) };
    case LIVE_TAGS.pull:
      return {
        type: "pull",
        sub: readNumber(reader),
        pull: readNumber(reader),
        clientRevision: readOptional(reader, () => reader.text()),
        serverRevision: readOptional(reader, () => reader.text()),
        pages: readOptional(reader, () => ({ from: reader.uint(), to: reader.uint() })),
        waitMs: reader.uint(),
        credit: reader.uint(),
      };
    case LIVE_TAGS.credit:
      return { type: "credit", sub: readNumber(reader), pull: readNumber(reader), bytes: reader.uint() };
    case LIVE_TAGS.cancel:
      return { type: "cancel", sub: readNumber(reader), pull: readNumber(reader) };
    case LIVE_TAGS.push:
      return {
        type: "push",
        sub: readNumber(reader),
        push: readNumber(reader),
        isContinued: readFlag(reader),
        body: reader.raw(reader.left),
      };
    default:
      return readSharedMessage(tag, reader);
  }
}

function readServerMessage(tag: number, reader: ByteReader): LiveServerMessage {
  switch (tag) {
    case LIVE_TAGS.welcome:
      return {
        type: "welcome",
        expiresInMs: readOptional(reader, () => reader.uint()),
        keepAliveMs: reader.uint(),
        maxMessageBytes: reader.uint(),
      };
    case LIVE_TAGS.opened:
      return { type: "opened", sub: readNumber(reader) };
    case LIVE_TAGS.header:
      return {
        type: "header",
        sub: readNumber(reader),
        pull: readNumber(reader),
        revision: reader.text(),
        databaseSize: reader.uint(),
      };
    case LIVE_TAGS.pages:
      return {
        type: "pages",
        sub: readNumber(reader),
        pull: readNumber(reader),
        pageIds: readPageIds(reader),
        bytes: reader.raw(reader.left),
      };
    case LIVE_TAGS.end:
      return { type: "end", sub: readNumber(reader), pull: readNumber(reader) };
    case LIVE_TAGS.pushed:
      return {
        type: "pushed",
        sub: readNumber(reader),
        push: readNumber(reader),
        body: reader.raw(reader.left),
      };
    case LIVE_TAGS.failed:
      return {
        type: "failed",
        sub: reader.uint(),
        request: reader.uint(),
        status: reader.uint(),
        code: reader.text(),
        message: reader.text(),
        retryAfterMs: readOptional(reader, () => reader.uint()),
      };
    default:
      return readSharedMessage(tag, reader);
  }
}

function readSharedMessage(tag: number, reader: ByteReader): LiveSharedMessage {
  switch (tag) {
    case LIVE_TAGS.data:
      return { type: "data", sub: readNumber(reader), payload: reader.raw(reader.left) };
    case LIVE_TAGS.ping:
      return { type: "ping", nonce: reader.uint() };
    case LIVE_TAGS.pong:
      return { type: "pong", nonce: reader.uint() };
    default:
      throw new WireError("malformed", `unknown message ${tag}`);
  }
}

/** A number that somebody has given: 0 is nobody's. */
function readNumber(reader: ByteReader): number {
  const value = reader.uint();
  if (value === 0) throw new WireError("malformed", "numbers of messages begin with 1");
  return value;
}

function readFlag(reader: ByteReader): boolean {
  const byte = reader.byte();
  if (byte > 1) throw new WireError("malformed", `${byte} is neither 0 nor 1`);
  return byte === 1;
}

function readOptional<T>(reader: ByteReader, read: () => T): T | undefined {
  return readFlag(reader) ? read() : undefined;
}

function readKind(reader: ByteReader): LiveKind {
  const kind = LIVE_KINDS[reader.byte()];
  if (kind === undefined) throw new WireError("malformed", "unknown kind of subscription");
  return kind;
}

/** Checks their number against what is there before it makes room for them. */
function readPageIds(reader: ByteReader): Uint32Array {
  const count = reader.uint();
  if (count * (PAGE_ID_BYTES + PAGE_BYTES) !== reader.left)
    throw new WireError("malformed", `${reader.left} bytes are not ${count} page ids and pages`);
  const pageIds = new Uint32Array(count);
  for (let index = 0; index < count; index++) pageIds[index] = reader.uint32();
  return pageIds;
}
