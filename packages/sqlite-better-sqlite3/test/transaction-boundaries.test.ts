import { describe, expect, test } from "vitest";
import { TransactionBoundaries } from "../src/transaction-boundaries.js";

describe("TransactionBoundaries", () => {
  test("each id once, ascending; a restarted tape starts a new list", () => {
    const boundaries = new TransactionBoundaries();
    for (const id of [0, 2, 2, 5]) boundaries.note(id);
    expect(boundaries.list()).toEqual([2, 5]);
    boundaries.truncate(3);
    expect(boundaries.list()).toEqual([2]);
    boundaries.note(9);
    boundaries.note(1);
    expect(boundaries.list()).toEqual([1]);
  });

  test("stays bounded, keeps the last, and only loses precision", () => {
    const boundaries = new TransactionBoundaries();
    for (let id = 1; id <= 200_000; id++) boundaries.note(id);
    const list = boundaries.list();
    expect(list.length).toBeLessThanOrEqual(65_536);
    expect(list.at(-1)).toBe(200_000);
    expect(list.every((id, index) => index === 0 || id > (list[index - 1] ?? 0))).toBe(true);
  });
});
