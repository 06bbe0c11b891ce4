import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeBase64, encodeBase64 } from "../../src/values/base64.js";

it("is what Node makes of any bytes, and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = encodeBase64(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(decodeBase64(text)).toEqual(bytes);
    }),
    { seed: 1 },
  );
});

it("has chunks that fit together", () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index * 7);
  expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
});

it.each([
  "A",
  "AA",
  "AAA",
  "AA=",
  "A===",
  "====",
  "A=A=",
  "AAA\n",
  "AA-_",
  "AAAA=",
  "éAAA",
  "AB==",
  "AAB=",
  "AA A",
])("%j is none", (text) => {
  expect(decodeBase64(text)).toBeUndefined();
});
