import {
  decodeHranaValue,
  encodeHranaValue,
  type HranaValue,
  type SqlValue,
  WireError,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const values: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.string({ unit: "grapheme" }),
  fc.uint8Array(),
);

describe("Hrana values", () => {
  it("survive the way there and back", () => {
    fc.assert(
      fc.property(values, (value) => void expect(decodeHranaValue(encodeHranaValue(value))).toEqual(value)),
    );
  });

  it("are written as the specification says", () => {
    expect([null, 1n, 1, "a", Uint8Array.of(255, 254)].map(encodeHranaValue)).toEqual([
      { type: "null" },
      { type: "integer", value: "1" },
      { type: "float", value: 1 },
      { type: "text", value: "a" },
      { type: "blob", base64: "//4" },
    ]);
  });

  it("have the base64 that Node has", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const padded = Buffer.from(bytes).toString("base64");
        expect(encodeHranaValue(bytes)).toEqual({ type: "blob", base64: padded.replaceAll("=", "") });
        expect(decodeHranaValue({ type: "blob", base64: padded })).toEqual(bytes);
      }),
    );
  });

  it("have the base64 that Node has, for blobs of every length and of megabytes", () => {
    for (const length of [...Array(400).keys(), 3_000_001]) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 7919) >> 3);
      const base64 = Buffer.from(bytes).toString("base64").replaceAll("=", "");
      expect(encodeHranaValue(bytes)).toEqual({ type: "blob", base64 });
    }
  });

  it.each<HranaValue>([
    { type: "integer", value: "9223372036854775808" },
    { type: "integer", value: "-9223372036854775809" },
    { type: "integer", value: "1.5" },
    { type: "integer", value: "" },
    { type: "integer", value: "0x10" },
    { type: "blob", base64: "a" },
    { type: "blob", base64: "ab=" },
    { type: "blob", base64: "ab-_" },
    { type: "blob", base64: "ab é" },
    { type: "blob", base64: "a===" },
    { type: "blob", base64: "=" },
  ])("cannot be %j", (value) => {
    expect(() => decodeHranaValue(value)).toThrow(WireError);
  });

  it("are no integers of more than 64 bits", () => {
    expect(() => encodeHranaValue(2n ** 63n)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });
});
