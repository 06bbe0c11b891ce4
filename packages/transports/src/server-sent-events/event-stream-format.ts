/** Names the session that a request with messages is for. */
export const SESSION_HEADER = "tributary-session";
/** Number of the first message of such a request; messages are numbered from 1 up. */
export const FIRST_HEADER = "tributary-first";

/** What the server tells first. */
export interface OpenEvent {
  readonly session: string;
  /** Either end says something at least three times in this time, ms. */
  readonly idleTimeoutMs: number;
  /** Longest message that the server takes, bytes. */
  readonly maxMessageBytes: number;
}

/** An event of the stream. A message of the channel is one without a name, in base64. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** What keeps a connection open that has nothing to say. */
export const KEEP_ALIVE: Uint8Array = new TextEncoder().encode(":\n\n");

/** `data` must have no line breaks. */
export function encodeEvent({ name, data }: StreamEvent): Uint8Array {
  return new TextEncoder().encode(`${name === "" ? "" : `event: ${name}\n`}data: ${data}\n\n`);
}

/** Takes events out of bytes that come in pieces. Lines may end in CR LF; other fields and comments are left out. */
export class EventStreamParser {
  readonly #maxLineLength: number;
  readonly #text = new TextDecoder();
  #parts: string[] = [];
  #length = 0;
  #name = "";
  #data: string[] = [];
  #dataLength = 0;

  /** In UTF-16 code units. */
  constructor(maxLineLength: number) {
    this.#maxLineLength = maxLineLength;
  }

  /** The events that the bytes complete. Throws `RangeError` when a line, or the data of an event, is too long. */
  *push(bytes: Uint8Array): Generator<StreamEvent> {
    const text = this.#text.decode(bytes, { stream: true });
    for (let at = 0; ; ) {
      const end = text.indexOf("\n", at);
      const part = text.slice(at, end === -1 ? undefined : end);
      this.#parts.push(part);
      this.#length += part.length;
      if (this.#length > this.#maxLineLength) throw new RangeError("a message is too long");
      if (end === -1) return;
      const event = this.#takeLine(this.#parts.join("").replace(/\r$/, ""));
      if (event !== undefined) yield event;
      at = end + 1;
    }
  }

  #takeLine(line: string): StreamEvent | undefined {
    this.#parts = [];
    if (line === "") {
      const event = { name: this.#name, data: this.#data.join("\n") };
      const isEmpty = this.#data.length === 0;
      this.#name = "";
      this.#data = [];
      this.#dataLength = 0;
      this.#length = 0;
      return isEmpty ? undefined : event;
    }
    const [, field, value = ""] = /^(event|data)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") this.#name = value;
    if (field === "data") {
      this.#data.push(value);
      this.#dataLength += value.length + 1;
    }
    // What was read of the event counts until it is whole.
    this.#length = this.#dataLength;
    return undefined;
  }
}

/** Longest line that a message of so many bytes makes. */
export function lineLengthOf(messageBytes: number): number {
  return Math.ceil(messageBytes / 3) * 4 + 1024;
}
