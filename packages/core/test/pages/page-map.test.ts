import { expect, test } from "vitest";
import { PageMap } from "../../src/pages/page-map.js";

const MAX_PAGES = 2 ** 32 - 2;
const ids = (...pageIds: number[]): Uint32Array => Uint32Array.from(pageIds);

test("knows the pages added, wherever they lie, and the first one missing", () => {
  const map = new PageMap();
  const far = [0, 1, 7, 8, 31, 65_535, 65_536, 2 ** 31, MAX_PAGES - 1];
  map.addAll(ids(...far.slice(1).reverse()), MAX_PAGES);
  expect(map.firstMissing(MAX_PAGES)).toBe(0);
  map.addAll(ids(0), MAX_PAGES);
  for (const pageId of far) expect(map.has(pageId)).toBe(true);
  for (const pageId of [2, 9, 65_534, 65_537, 2 ** 31 - 1, 2 ** 31 + 1]) expect(map.has(pageId)).toBe(false);
  expect(map.size).toBe(far.length);
  expect(map.firstMissing(MAX_PAGES)).toBe(2);
  expect(map.firstMissing(2)).toBeUndefined();
});

test.each([
  ["the page 5, but announced 5 pages", [1, 5]],
  ["the page 1 twice", [1, 0, 1]],
])("refuses %s", (message, pageIds) => {
  expect(() => new PageMap().addAll(ids(...pageIds), 5)).toThrow(
    expect.objectContaining({ code: "invalid-page-stream", message: expect.stringContaining(message) }),
  );
});

test("refuses a page that an earlier batch has brought", () => {
  const map = new PageMap();
  map.addAll(ids(3), 5);
  expect(() => map.addAll(ids(3), 5)).toThrow("twice");
});
