import { SyncError } from "@tributary/core";
import { fuzzDecoder, mutateBytes } from "@tributary/testkit";
import { expect, test } from "vitest";
import { decodeLinkMessage, encodeLinkMessage, type LinkMessage } from "../../src/link/link-messages.js";

/** Each message, with the bytes that docs/STREAMS.md gives for it. */
const VECTORS: readonly (readonly [LinkMessage, string])[] = [
  [{ type: "greet", site: "app-1", sends: true, takes: false }, "01 01 01 0005 6170702d31"],
  [{ type: "ready", position: undefined }, "02 00"],
  [{ type: "ready", position: { epoch: 7, cursor: 300 } }, "02 01 0000000000000007 000000000000012c"],
  [
    { type: "package", seq: 1, isLast: true, offset: 0, bytes: Uint8Array.of(0xca, 0xfe) },
    "03 00000001 01 00000000 cafe",
  ],
  [
    { type: "package", seq: 2, isLast: false, offset: 262_144, bytes: new Uint8Array(0) },
    "03 00000002 00 00040000",
  ],
  [
    { type: "ack", seq: 1, position: { epoch: 7, cursor: Number.MAX_SAFE_INTEGER } },
    "04 00000001 01 0000000000000007 001fffffffffffff",
  ],
  [{ type: "ack", seq: 1, position: undefined }, "04 00000001 00"],
  [
    { type: "nack", seq: 258, position: undefined, code: "stream-gap" },
    "05 00000102 00 000a 73747265616d2d676170",
  ],
  [{ type: "wait", seq: 3 }, "06 00000003"],
  [{ type: "refuse", code: "internal", message: "é" }, "07 0008 696e7465726e616c 0002 c3a9"],
  [{ type: "bye" }, "08"],
  [{ type: "ping" }, "09"],
  [{ type: "pong" }, "0a"],
];

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(" ", ""), "hex");

test.each(VECTORS)("%j is %s", (message, hex) => {
  expect(Buffer.from(encodeLinkMessage(message)).toString("hex")).toBe(hex.replaceAll(" ", ""));
  const decoded = decodeLinkMessage(bytesOf(hex));
  if (decoded.type === "package" && message.type === "package") {
    expect({ ...decoded, bytes: [...decoded.bytes] }).toEqual({ ...message, bytes: [...message.bytes] });
  } else {
    expect(decoded).toEqual(message);
  }
});

test.each([
  ["nothing", ""],
  ["an unknown type", "0b"],
  ["type 0", "00"],
  ["unknown flags", "01 01 04 0001 61"],
  ["no site", "01 01 03 0000"],
  ["a text that is longer than the message", "01 01 03 0005 61"],
  ["a text that is longer than any", "01 01 03 1001 61"],
  ["a text that is not UTF-8", "01 01 03 0001 ff"],
  ["a flag that is neither", "02 02"],
  ["a position that is cut off", "02 01 0000000000000007"],
  ["a cursor above 2^53", "02 01 0000000000000007 0020000000000000"],
  ["bytes after its end", "08 00"],
])("%s is refused", (_what, hex) => {
  expect(() => decodeLinkMessage(bytesOf(hex))).toThrow(
    expect.objectContaining({ code: "malformed-response" }),
  );
});

test("a greeting of another version says so, whatever follows", () => {
  expect(() => decodeLinkMessage(bytesOf("01 02 ff ff"))).toThrow(
    expect.objectContaining({ code: "unexpected-response", message: expect.stringContaining("version 2") }),
  );
});

test("what is too long for a text is cut, between two characters", () => {
  const message = { type: "refuse", code: "internal", message: "é".repeat(5000) } as const;
  expect(decodeLinkMessage(encodeLinkMessage(message))).toEqual({ ...message, message: "é".repeat(2048) });
});

test("mutated messages are decoded, and encoded as they were, or refused", () => {
  const corpus = VECTORS.map(([, hex]) => bytesOf(hex));
  const report = fuzzDecoder<Uint8Array>({
    name: "decodeLinkMessage",
    makeInput: (random) => mutateBytes(corpus, random),
    decode: (bytes) => {
      const again = encodeLinkMessage(decodeLinkMessage(bytes));
      if (Buffer.compare(again, bytes) !== 0) throw new Error("it means something else");
    },
    isExpectedError: (error) => error instanceof SyncError && error.blame === "protocol",
    count: 10_000,
  });
  expect(report.accepted).toBeGreaterThan(500);
  expect(report.refused).toBeGreaterThan(500);
});
