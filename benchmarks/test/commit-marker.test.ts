import { expect, test } from "vitest";
import { ageOfCommit, commitMarker } from "../src/jobs/commit-marker.js";

test("a page tells how old its commit is, and nothing of another one", () => {
  const page = Buffer.from(`\0\0${commitMarker(11)}\0 what an older one left behind: ${commitMarker(12)}\0`);
  expect(ageOfCommit(page, 12)).toBeGreaterThanOrEqual(0);
  expect(ageOfCommit(page, 12)).toBeLessThan(60_000);
  expect(ageOfCommit(page, 13)).toBeUndefined();
});
