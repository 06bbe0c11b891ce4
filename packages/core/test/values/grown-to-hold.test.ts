import { expect, test } from "vitest";
import { grownToHold } from "../../src/values/grown-to-hold.js";

const create = (length: number): Float64Array => new Float64Array(length);

test("grows to twice its length at least, and only where it has to", () => {
  const array = Float64Array.of(2 ** 40, 1, 2);
  expect(grownToHold(array, 2, create)).toBe(array);
  expect(grownToHold(array, 3, create)).toEqual(Float64Array.of(2 ** 40, 1, 2, 0, 0, 0));
  expect(grownToHold(array, 9, create)).toHaveLength(10);
});
