import { LOCK_BYTE_PAGE, PAGE_SIZE } from "@tributary/core";
import { expect, test } from "vitest";
import type { ServerDatabase } from "../../src/database/server-database.js";
import { frameOf } from "../../src/embedded/frame-position.js";
import { LogPages } from "../../src/embedded/log-pages.js";

const REVISION = { epoch: "0000000100000000", sequence: 3, check: "00000000000000a1" };

/** A database of that many pages, of which those have changed since any frame that is known. */
function fakeDatabase(databaseSize: number, changed: readonly number[] = []): ServerDatabase {
  return {
    log: {
      current: REVISION,
      state: { epoch: REVISION.epoch, revision: REVISION, lineage: [] },
      changedSince: (known: unknown) => (known === undefined ? undefined : Uint32Array.from(changed)),
    },
    snapshots: { acquireCurrent: () => ({ revision: REVISION, databaseSize }), release() {} },
    readPages() {},
  } as unknown as ServerDatabase;
}

test("the page of the lock byte is not sent: SQLite has nothing there", () => {
  const pages = new LogPages(fakeDatabase(LOCK_BYTE_PAGE + 2), 0n);
  expect(pages.count).toBe(LOCK_BYTE_PAGE + 1);
  const sent: number[] = [];
  let last = 0;
  for (let frames = pages.next(4_096); frames !== undefined; frames = pages.next(4_096)) {
    expect(frames.pages.length).toBe(frames.pageIds.length * PAGE_SIZE);
    sent.push(frames.pageIds.at(-1) as number);
    last = frames.sizeAfter;
    if (sent.length < Math.ceil(pages.count / 4_096)) expect(last).toBe(0);
    expect(frames.pageIds.includes(LOCK_BYTE_PAGE - 1)).toBe(false);
    // More pages than there are numbers: none is below zero.
    expect(frames.frameNumberOf(0)).toBeGreaterThanOrEqual(0n);
  }
  expect([sent.at(-1), last]).toEqual([LOCK_BYTE_PAGE + 1, LOCK_BYTE_PAGE + 2]);
  expect(new LogPages(fakeDatabase(LOCK_BYTE_PAGE - 1), 0n).count).toBe(LOCK_BYTE_PAGE - 1);
});

test("a revision without a page of its own can be reached, and one that was cut off has no pages beyond its end", () => {
  const before = frameOf({ ...REVISION, sequence: 2 }) + 1n;
  const empty = new LogPages(fakeDatabase(10), before).batch();
  expect([[...empty.pageIds], empty.sizeAfter, empty.frameNumberOf(0)]).toEqual([[0], 10, frameOf(REVISION)]);
  const cut = new LogPages(fakeDatabase(10, [0, 4, 10, 11]), before).batch();
  expect([[...cut.pageIds], cut.sizeAfter]).toEqual([[0, 4], 10]);
  expect(new LogPages(fakeDatabase(10, [0, 4]), frameOf(REVISION) + 1n).count).toBe(0);
});
