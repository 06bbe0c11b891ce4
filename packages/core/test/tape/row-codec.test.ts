import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRows, encodeRows } from "../../src/tape/row-codec.js";
import type { SqlRow } from "../../src/values/sql-value.js";

const value = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.constantFrom(-0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.string({ unit: "binary" }),
  fc.uint8Array(),
);

test("rows come back as they were, types and bits included", () => {
  fc.assert(
    fc.property(fc.array(fc.array(value)), (rows) => {
      expect(decodeRows(encodeRows(rows as SqlRow[]))).toEqual(rows);
    }),
    { seed: 1 },
  );
});

test("a value larger than the first buffer fits", () => {
  const rows: SqlRow[] = [["x".repeat(70_000), new Uint8Array(200_000).fill(7)], [1n]];
  const [[text, blob], second] = decodeRows(encodeRows(rows)) as [[string, Uint8Array], SqlRow];
  expect(text).toBe("x".repeat(70_000));
  expect(Buffer.from(blob).equals(Buffer.alloc(200_000, 7))).toBe(true);
  expect(second).toEqual([1n]);
});

test.each([
  ["a row count cut off", [1]],
  ["fewer values than it counts", [2, 0, 0]],
  ["an integer cut off", [1, 0, 1, 0, 0, 0, 0, 0, 0, 0]],
  ["a text longer than what is left", [1, 0, 3, 0xff, 0xff, 0xff, 0x7f, 65]],
  ["a value of an unknown kind", [1, 0, 9, 0, 0, 0, 0]],
])("%s is a damaged file, not rows", (_what, bytes) => {
  expect(() => decodeRows(Uint8Array.from(bytes))).toThrow(
    expect.objectContaining({ name: "SyncError", code: "damaged-file" }),
  );
});
