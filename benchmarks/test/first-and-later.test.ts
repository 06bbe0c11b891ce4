import { expect, test } from "vitest";
import { firstAndLater } from "../src/jobs/first-and-later.js";

test("the first of several stands by itself, and the others give a median without it", () => {
  expect(firstAndLater([90, 4, 8, 5])).toEqual({ first: 90, later: 5 });
});

test("a single one is both", () => {
  expect(firstAndLater([7])).toEqual({ first: 7, later: 7 });
});

test("none is an error", () => {
  expect(() => firstAndLater([])).toThrow("there are no values");
});
