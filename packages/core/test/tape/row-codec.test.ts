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
