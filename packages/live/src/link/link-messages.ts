import { SyncError } from "@tributary/core";
import type { StreamPosition } from "./change-streams.js";

/** The protocol of stream links that is spoken here. */
const LINK_VERSION = 1;
/** Bytes of a package that go into one message: with its head it passes any channel, which must take 1 MiB. */
export const FRAGMENT_BYTES: number = 256 * 1024;
const MAX_TEXT_BYTES = 4096;

/** What the two ends of a stream link say to each other: docs/STREAMS.md has it byte by byte. Both ends are alike. */
export type LinkMessage =
  /** The first message, repeated until it is answered by `ready`. */
  | {
      readonly type: "greet";
      readonly site: string;
      /** Whether this end sends packages, and whether it takes any. */
      readonly sends: boolean;
      readonly takes: boolean;
    }
  /** Answers each `greet`: how far the stream of the one who greets has been applied here. */
  | { readonly type: "ready"; readonly position: StreamPosition | undefined }
  /** A piece of a package that begins at `offset`; the one that `isLast` completes it. `seq` counts packages, from 1. */
  | {
      readonly type: "package";
      readonly seq: number;
      readonly isLast: boolean;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** The package, and all before it, is durable at the receiver, whose position this is now: none inside a first snapshot. */
  | { readonly type: "ack"; readonly seq: number; readonly position: StreamPosition | undefined }
  /** The package was not applied, and is to be sent again, from this position on. */
  | {
      readonly type: "nack";
      readonly seq: number;
      readonly position: StreamPosition | undefined;
      readonly code: string;
    }
  /** The package, or a piece of it, is here, and not applied yet. */
  | { readonly type: "wait"; readonly seq: number }
  /** The link cannot go on; the channel is closed next. */
  | { readonly type: "refuse"; readonly code: string; readonly message: string }
  /** The link is over, and all is well. */
  | { readonly type: "bye" }
  /** Answered by `pong`. */
  | { readonly type: "ping" }
  | { readonly type: "pong" };

const TYPES = [
  "greet",
  "ready",
  "package",
  "ack",
  "nack",
  "wait",
  "refuse",
  "bye",
  "ping",
  "pong",
] as const satisfies readonly LinkMessage["type"][];

const SENDS = 1;
const TAKES = 2;

export function encodeLinkMessage(message: LinkMessage): Uint8Array {
  const out = new LinkWriter(TYPES.indexOf(message.type) + 1);
  switch (message.type) {
    case "greet":
      out.u8(LINK_VERSION);
      out.u8((message.sends ? SENDS : 0) | (message.takes ? TAKES : 0));
      out.text(message.site);
      break;
    case "ready":
      out.position(message.position);
      break;
    case "package":
      out.u32(message.seq);
      out.u8(message.isLast ? 1 : 0);
      out.u32(message.offset);
      out.bytes(message.bytes);
      break;
    case "ack":
      out.u32(message.seq);
      out.position(message.position);
      break;
    case "nack":
      out.u32(message.seq);
      out.position(message.position);
      out.text(message.code);
      break;
    case "wait":
      out.u32(message.seq);
      break;
    case "refuse":
      out.text(message.code);
      out.text(message.message);
      break;
    case "bye":
    case "ping":
    case "pong":
      break;
    default:
      message satisfies never;
  }
  return out.finish();
}

/** Throws `SyncError` `malformed-response` for what is no message, `unexpected-response` for a greeting of another version. */
export function decodeLinkMessage(bytes: Uint8Array): LinkMessage {
  const input = new LinkReader(bytes);
  const type = TYPES[input.u8() - 1];
  if (type === undefined) throw malformed("an unknown type");
  const message = readBody(type, input);
  input.end();
  return message;
}

function readBody(type: LinkMessage["type"], input: LinkReader): LinkMessage {
  switch (type) {
    case "greet": {
      const version = input.u8();
      if (version !== LINK_VERSION) {
        throw new SyncError(
          "unexpected-response",
          `The other end speaks version ${version} of the link protocol, not ${LINK_VERSION}.`,
        );
      }
      const flags = input.u8();
      if (flags > (SENDS | TAKES)) throw malformed("unknown flags");
      const site = input.text();
      if (site === "") throw malformed("no site");
      return { type, site, sends: (flags & SENDS) !== 0, takes: (flags & TAKES) !== 0 };
    }
    case "ready":
      return { type, position: input.position() };
    case "package": {
      const [seq, isLast, offset] = [input.u32(), input.flag(), input.u32()];
      return { type, seq, isLast, offset, bytes: input.rest() };
    }
    case "ack":
      return { type, seq: input.u32(), position: input.position() };
    case "nack":
      return { type, seq: input.u32(), position: input.position(), code: input.text() };
    case "wait":
      return { type, seq: input.u32() };
    case "refuse":
      return { type, code: input.text(), message: input.text() };
    case "bye":
    case "ping":
    case "pong":
      return { type };
    default:
      return type satisfies never;
  }
}

function malformed(what: string): SyncError {
  return new SyncError("malformed-response", `A message of the other end of a stream link has ${what}.`);
}

class LinkWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(type: number) {
    this.u8(type);
  }

  u8(value: number): void {
    this.bytes(Uint8Array.of(value));
  }

  u32(value: number): void {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value);
    this.bytes(part);
  }

  position(position: StreamPosition | undefined): void {
    this.u8(position === undefined ? 0 : 1);
    if (position === undefined) return;
    const part = new Uint8Array(16);
    const view = new DataView(part.buffer);
    view.setBigUint64(0, BigInt(position.epoch));
    view.setBigUint64(8, BigInt(position.cursor));
    this.bytes(part);
  }

  /** What is too long is cut: messages for people are all that ever is. */
  text(text: string): void {
    const target = new Uint8Array(MAX_TEXT_BYTES);
    const { written } = new TextEncoder().encodeInto(text, target);
    this.u8(written >> 8);
    this.u8(written & 0xff);
    this.bytes(target.subarray(0, written));
  }

  bytes(part: Uint8Array): void {
    this.#parts.push(part);
    this.#length += part.length;
  }

  finish(): Uint8Array {
    const message = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      message.set(part, at);
      at += part.length;
    }
    return message;
  }
}

class LinkReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw malformed("a flag that is neither 0 nor 1");
    return value === 1;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  position(): StreamPosition | undefined {
    return this.flag() ? { epoch: this.#u53(), cursor: this.#u53() } : undefined;
  }

  text(): string {
    const length = this.u8() * 256 + this.u8();
    if (length > MAX_TEXT_BYTES) throw malformed("a text that is too long");
    const at = this.#take(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        this.#bytes.subarray(at, at + length),
      );
    } catch (error) {
      if (error instanceof TypeError) throw malformed("a text that is not UTF-8");
      throw error;
    }
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#take(this.#bytes.length - this.#at));
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed("more bytes than it should");
  }

  #u53(): number {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed("a number above 2^53");
    return Number(value);
  }

  #take(count: number): number {
    const at = this.#at;
    if (this.#bytes.length - at < count) throw malformed("too few bytes");
    this.#at = at + count;
    return at;
  }
}
