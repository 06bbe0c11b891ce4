import { expect, test } from "vitest";
import { quantile, sampleOf } from "../src/measure/statistics.js";

test.each([
  [[5], 0.5, 5],
  [[3, 1, 2], 0.5, 2],
  [[4, 1, 3, 2], 0.5, 2.5],
  [[1, 2, 3, 4, 5], 0, 1],
  [[1, 2, 3, 4, 5], 1, 5],
  [[10, 20], 0.25, 12.5],
])("the values %j have %d of them below %d", (values, share, expected) => {
  expect(quantile(values, share)).toBe(expected);
});

test("no values have no quantile", () => {
  expect(() => quantile([], 0.5)).toThrow("there are no values");
});

test("a sample keeps its values in their order, and says how far apart they are", () => {
  expect(sampleOf([3, 1, 2])).toEqual({ values: [3, 1, 2], median: 2, least: 1, greatest: 3 });
});
