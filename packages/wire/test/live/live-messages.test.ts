import { readFileSync } from "node:fs";
import {
  decodeLiveClientMessage,
  decodeLiveServerMessage,
  encodeLiveMessage,
  type LiveMessage,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectValueOrWireError, junkLike } from "../junk.js";
import { clientMessages, serverMessages } from "./support.js";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** The examples of docs/LIVE_PROTOCOL.md: a message, and its bytes; `…` stands for zeros up to that length. */
function readExamples(): { side: string; message: LiveMessage; bytes: Uint8Array }[] {
  const text = readFileSync(new URL("../../../../docs/LIVE_PROTOCOL.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^(client|server) (\{.*\})\n {2}([0-9a-f ]+?)(?: … (\d+) bytes)?$/gm)];
  return rows.map(([, side = "", json = "", start = "", length]) => {
    const bytes = new Uint8Array(length === undefined ? hex(start).length : Number(length));
    bytes.set(hex(start));
    return { side, bytes, message: JSON.parse(json, revive) as LiveMessage };
  });
}

/** Bytes are hexadecimal in the examples, and what is not there is null. */
function revive(key: string, value: unknown): unknown {
  if (value === null) return undefined;
  if (key === "payload" || key === "body") return hex(value as string);
  if (key === "pageIds") return Uint32Array.from(value as number[]);
  return key === "bytes" && typeof value === "object"
    ? new Uint8Array((value as { zeros: number }).zeros)
    : value;
}

const decoders: Record<string, (bytes: Uint8Array) => LiveMessage> = {
  client: decodeLiveClientMessage,
  server: decodeLiveServerMessage,
};

describe("live messages", () => {
  it("survive the way there and back", () => {
    fc.assert(
      fc.property(clientMessages, (message) => {
        expect(decodeLiveClientMessage(encodeLiveMessage(message))).toEqual(message);
      }),
    );
    fc.assert(
      fc.property(serverMessages, (message) => {
        expect(decodeLiveServerMessage(encodeLiveMessage(message))).toEqual(message);
      }),
    );
  });

  it("are as the document has them", () => {
    const examples = readExamples();
    expect(new Set(examples.map(({ message }) => message.type)).size).toBe(18);
    for (const { side, message, bytes } of examples) {
      expect(Buffer.from(encodeLiveMessage(message)).toString("hex")).toBe(
        Buffer.from(bytes).toString("hex"),
      );
      // What is not there is left out of an example.
      expect(encodeLiveMessage(decoders[side]?.(bytes) as LiveMessage)).toEqual(bytes);
    }
  });

  it.each([
    ["nothing", "", "truncated"],
    ["an unknown type", "63", "malformed"],
    ["a message of the other side", "10 00 01 01", "malformed"],
    ["bytes behind the end", "04 01 00", "malformed"],
    ["a text that is longer than what is there", "02 05 61 62", "truncated"],
    ["a text that would be longer than memory", "02 ff ff ff ff ff ff 03", "truncated"],
    ["a text that is not UTF-8", "02 01 ff", "malformed"],
    ["number 0", "04 00", "malformed"],
    ["a number above 2^53", "04 ff ff ff ff ff ff ff ff 01", "malformed"],
    ["a number without end", "04 80 80 80 80 80 80 80 80 80 80 80", "malformed"],
    ["an unknown kind", "03 01 02 00", "malformed"],
    ["a flag that is neither", "08 01 01 02", "malformed"],
  ])("of a client that hold %s are refused", (_what, bytes, code) => {
    expect(() => decodeLiveClientMessage(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });

  it("with more page ids than there are pages make no room for them", () => {
    const lying = hex("13 01 01 ff ff ff ff ff ff 03");
    expect(() => decodeLiveServerMessage(lying)).toThrow(
      /are not 9007199254740991 page ids|are not \d+ page ids/,
    );
    const short = encodeLiveMessage({
      type: "pages",
      sub: 1,
      pull: 1,
      pageIds: Uint32Array.of(1, 2),
      bytes: new Uint8Array(8192),
    });
    expect(() => decodeLiveServerMessage(short.subarray(0, 5000))).toThrow(/page ids and pages/);
  });

  it("give pages as views of the message", () => {
    const message = {
      type: "pages",
      sub: 1,
      pull: 2,
      pageIds: Uint32Array.of(9),
      bytes: new Uint8Array(4096),
    } as const;
    const encoded = encodeLiveMessage(message);
    const decoded = decodeLiveServerMessage(encoded);
    expect(decoded.type === "pages" && decoded.bytes.buffer === encoded.buffer).toBe(true);
  });

  it("of junk are values or WireErrors", () => {
    const good = encodeLiveMessage({ type: "open", sub: 300, kind: "stream", database: "main" });
    fc.assert(
      fc.property(junkLike(good), (bytes) => {
        expectValueOrWireError(() => decodeLiveClientMessage(bytes));
        expectValueOrWireError(() => decodeLiveServerMessage(bytes));
      }),
    );
  });
});
