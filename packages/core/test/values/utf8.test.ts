import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32 } from "../../src/values/crc32.js";
import { decodeUtf8, encodeUtf8 } from "../../src/values/utf8.js";

test("encodes as the platform does, lone surrogates included", () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), units), (text) => {
      expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
    }),
    { seed: 1 },
  );
});

test("decodes what is well-formed as the platform does, and anything without failing", () => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const bytes = new TextEncoder().encode(text);
      expect(decodeUtf8(bytes)).toBe(decoder.decode(bytes));
    }),
    { seed: 1 },
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(decodeUtf8(bytes).includes("\ufffd")).toBe(decoder.decode(bytes).includes("\ufffd"));
    }),
    { seed: 2, numRuns: 2_000 },
  );
});

test("long texts keep their pairs together", () => {
  const text = `a${"𝄞".repeat(10_000)}`;
  expect(decodeUtf8(encodeUtf8(text))).toBe(text);
});

test("CRC-32 of the standard's check value, in one piece and in two", () => {
  const bytes = encodeUtf8("123456789");
  expect(crc32(bytes)).toBe(0xcbf43926);
  expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
});

test("makes of malformed bytes what the platform does", () => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const hex of [
    "e0807f",
    "f5808080",
    "eda080",
    "f4908080",
    "f0808080",
    "e282",
    "c080",
    "f09f98",
    "80ff",
  ]) {
    const bytes = new Uint8Array(Buffer.from(`61${hex}62`, "hex"));
    expect(decodeUtf8(bytes), hex).toBe(decoder.decode(bytes));
  }
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(bytes, (junk) => {
      expect(decodeUtf8(junk)).toBe(decoder.decode(junk));
    }),
    { seed: 3, numRuns: 2_000 },
  );
});

test("CRC-32 is the same in one piece as byte by byte", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 3 }), (bytes, before) => {
      const seed = crc32(before);
      const inSteps = bytes.reduce((sum, byte) => crc32(Uint8Array.of(byte), sum), seed);
      expect(crc32(bytes, seed)).toBe(inSteps);
    }),
    { seed: 3 },
  );
});
