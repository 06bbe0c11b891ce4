import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FRAME_SIZE } from "@tributary/core";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../../../../tests/support/temporary-directory.js";
import type { Branch } from "../../src/offline/branch.js";
import type { BranchStore } from "../../src/offline/branch-store.js";
import { openBranchStore } from "../../src/offline/file-branch-store.js";
import type { Standing } from "../../src/offline/standing.js";
import { fillsOf, framesOf, imageOf } from "./branch-frames-support.js";
import { MemoryFiles } from "./branch-memory-files.js";

const HOUR = 3_600_000;
const NOWHERE: Standing = { equalTo: undefined, compared: undefined, offered: undefined };

interface Place {
  readonly directory: string;
  now: number;
}

function newPlace(): Place {
  return { directory: join(temporaryDirectory(), "main.db-offline"), now: 1_700_000_000_000 };
}

function openStore(place: Place): BranchStore {
  const store = openBranchStore(place.directory, { now: () => place.now });
  onTestFinished(() => store.close());
  return store;
}

function createBranch(store: BranchStore, block = 7, device: string | undefined = "phone"): Promise<Branch> {
  return store.create({ block, device, image: imageOf(1, 2, 3), standing: NOWHERE });
}

function reopened(place: Place, block = 7, merged?: (era: number) => number | undefined): Branch {
  return openStore(place).open(block, merged ?? (() => undefined)) as Branch;
}

function push(branch: Branch, frames: Uint8Array): void {
  branch.stage(frames, "replica");
  branch.prepare(branch.stagedEnd);
  branch.commit(branch.stagedEnd, NOWHERE);
}

/** What a branch says of itself; its getters are not those of a plain object. */
function factsOf(branch: Branch): Partial<Branch> {
  const {
    block,
    device,
    directory,
    createdAt,
    usedAt,
    era,
    generations,
    base,
    confirmed,
    head,
    stagedEnd,
    standing,
  } = branch;
  return {
    block,
    device,
    directory,
    createdAt,
    usedAt,
    era,
    generations,
    base,
    confirmed,
    head,
    stagedEnd,
    standing,
  };
}

function listOf(store: BranchStore): Partial<Branch>[] {
  return store.list().map(({ block, device, createdAt, usedAt }) => ({ block, device, createdAt, usedAt }));
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

test("a new branch is the image, and is there again later", async () => {
  const place = newPlace();
  const store = openStore(place);
  expect(store.open(7, () => undefined)).toBeUndefined();
  expect(store.list()).toEqual([]);
  expect(existsSync(place.directory)).toBe(false);
  const standing: Standing = { ...NOWHERE, equalTo: "r1", compared: { revision: "r1", position: 0 } };
  await store.create({ block: 7, device: "phone", image: imageOf(1, 2, 3), standing });
  store.close();
  const branch = reopened(place);
  expect(factsOf(branch)).toMatchObject({
    block: 7,
    device: "phone",
    createdAt: place.now,
    era: 0,
    standing,
  });
  expect(factsOf(branch)).toMatchObject({ base: 0, confirmed: 0, head: 0, stagedEnd: 0 });
  expect(branch.generations).toEqual([{ generation: 7168, start: 0 }]);
  expect(branch.directory).toBe(join(place.directory, "branch-7"));
  expect(fillsOf(branch.imageAt(0))).toEqual([1, 2, 3]);
});

test("the generations of block 0 begin with 1, those of the last block end below 2^32", async () => {
  const store = openBranchStore("/main.db-offline", { now: () => 0, files: new MemoryFiles() });
  expect((await createBranch(store, 0)).generations).toEqual([{ generation: 1, start: 0 }]);
  const last = await createBranch(store, 2 ** 22 - 1);
  for (let count = 1; count < 1024; count++) expect(last.addGeneration()?.start).toBe(0);
  expect(last.generations.at(-1)?.generation).toBe(2 ** 32 - 1);
  expect(last.addGeneration()).toBeUndefined();
});

test("frames are read as they travel, and images as of any position", async () => {
  const place = newPlace();
  const branch = await createBranch(openStore(place));
  const frames = framesOf(
    { page: 2, fill: 20 },
    { page: 5, fill: 50, size: 5 },
    { page: 2, fill: 21, size: 2 },
  );
  const pushed = Uint8Array.from(frames);
  for (let at = 0; at < pushed.length; at += FRAME_SIZE) pushed.fill(0xee, at + 8, at + 24);
  branch.stage(pushed.subarray(0, FRAME_SIZE), "replica");
  branch.stage(pushed.subarray(FRAME_SIZE), "replica");
  branch.stage(framesOf({ page: 4, fill: 41, size: 4 }), "server");
  expect(branch.stagedEnd).toBe(4);
  expect(sameBytes(branch.readFrames(0, 3), frames)).toBe(true);
  expect(sameBytes(branch.readFrames(1, 2), frames.subarray(FRAME_SIZE, 2 * FRAME_SIZE))).toBe(true);
  expect(sameBytes(branch.readFrames(2, 2), new Uint8Array())).toBe(true);
  expect(branch.frameAt(1)).toEqual({ pageNumber: 2, databaseSize: 0, origin: "replica" });
  expect(branch.frameAt(4)).toEqual({ pageNumber: 4, databaseSize: 4, origin: "server" });
  expect(branch.pagesBetween(0, 3)).toEqual(new Set([2, 5]));
  expect(branch.pagesBetween(3, 4)).toEqual(new Set([4]));
  expect(fillsOf(branch.imageAt(0))).toEqual([1, 2, 3]);
  // In the middle of a transaction: the length is that of the last one that ended.
  expect(fillsOf(branch.imageAt(1))).toEqual([1, 20, 3]);
  // SQLite does not write page 4: it is free from the start.
  expect(fillsOf(branch.imageAt(2))).toEqual([1, 20, 3, 0, 50]);
  expect(fillsOf(branch.imageAt(3))).toEqual([1, 21]);
  // Page 3 was cut off, and what it was is not to come back.
  expect(fillsOf(branch.imageAt(4))).toEqual([1, 21, 0, 41]);
  const [before, after] = [branch.imageAt(0), branch.imageAt(2)];
  const page = before.readPage(2);
  expect(after.readPage(2)[0]).toBe(20);
  expect(page[0]).toBe(2);
  expect(() => before.readPage(4)).toThrow(RangeError);
  expect(() => before.readPage(0)).toThrow(RangeError);
});

test("what is staged is forgotten: when told, and with the process", async () => {
  const place = newPlace();
  const branch = await createBranch(openStore(place));
  push(branch, framesOf({ page: 1, fill: 10, size: 3 }));
  branch.stage(framesOf({ page: 2, fill: 20, size: 3 }, { page: 3, fill: 30 }), "replica");
  branch.unstage(2);
  expect(branch.stagedEnd).toBe(2);
  expect(fillsOf(branch.imageAt(2))).toEqual([10, 20, 3]);
  branch.unstage();
  expect(branch.stagedEnd).toBe(1);
  branch.stage(framesOf({ page: 2, fill: 22, size: 3 }), "replica");
  expect(fillsOf(branch.imageAt(2))).toEqual([10, 22, 3]);
  branch.prepare(2);
  branch.close();
  const again = reopened(place);
  expect(factsOf(again)).toMatchObject({ head: 1, stagedEnd: 1 });
  expect(fillsOf(again.imageAt(1))).toEqual([10, 2, 3]);
});

test("what was merged, but not committed, is committed when it is opened", async () => {
  const place = newPlace();
  const branch = await createBranch(openStore(place));
  branch.setStanding({ equalTo: "r0", compared: { revision: "r0", position: 0 }, offered: undefined });
  branch.stage(framesOf({ page: 1, fill: 10, size: 3 }, { page: 2, fill: 20, size: 3 }), "replica");
  branch.prepare(2);
  branch.close();
  const again = reopened(place, 7, () => 1);
  expect(factsOf(again)).toMatchObject({ head: 1, confirmed: 1, stagedEnd: 1 });
  // It is not known which revision the merge has made.
  expect(again.standing).toEqual({ ...NOWHERE, compared: { revision: "r0", position: 0 } });
  expect(fillsOf(again.imageAt(1))).toEqual([10, 2, 3]);
});

test("a merge that the files know nothing of is a damage", async () => {
  const place = newPlace();
  const branch = await createBranch(openStore(place));
  branch.stage(framesOf({ page: 1, fill: 10 }, { page: 2, fill: 20, size: 3 }), "replica");
  branch.close();
  const store = openStore(place);
  for (const merged of [1, 3]) {
    expect(() => store.open(7, () => merged)).toThrow(expect.objectContaining({ code: "branch-damaged" }));
  }
  expect(store.open(7, () => 2)?.head).toBe(2);
});

test("positions are used again after a rewind: an era tells them apart", async () => {
  const place = newPlace();
  const branch = await createBranch(openStore(place));
  push(branch, framesOf({ page: 1, fill: 10, size: 3 }));
  push(branch, framesOf({ page: 1, fill: 11, size: 3 }));
  branch.confirm(2);
  branch.stage(framesOf({ page: 2, fill: 20, size: 3 }), "server");
  branch.commit(3, { ...NOWHERE, offered: { from: 2, before: NOWHERE } });
  expect(() => branch.rewind(4, NOWHERE)).toThrow(RangeError);
  branch.rewind(2, NOWHERE);
  expect(factsOf(branch)).toMatchObject({ era: 0, head: 2, confirmed: 2 });
  branch.rewind(1, NOWHERE);
  expect(factsOf(branch)).toMatchObject({ era: 1, head: 1, confirmed: 1, stagedEnd: 1 });
  branch.stage(framesOf({ page: 1, fill: 77, size: 3 }), "replica");
  branch.prepare(2);
  branch.close();
  // Position 2 was merged in the era before; that says nothing of the frame that has it now.
  const again = reopened(place, 7, (era) => (era === 0 ? 2 : undefined));
  expect(again.head).toBe(1);
  expect(fillsOf(again.imageAt(1))).toEqual([10, 2, 3]);
});

test("generations come, go, and end with what lies behind them", async () => {
  const place = newPlace();
  const branch = await createBranch(openStore(place));
  push(branch, framesOf({ page: 1, fill: 10, size: 3 }));
  expect(branch.addGeneration()).toEqual({ generation: 7169, start: 1 });
  branch.dropGeneration();
  branch.dropGeneration();
  expect(branch.generations).toEqual([{ generation: 7168, start: 0 }]);
  push(branch, framesOf({ page: 1, fill: 11, size: 3 }));
  branch.addGeneration();
  branch.rewind(1, NOWHERE);
  expect(branch.generations).toEqual([{ generation: 7168, start: 0 }]);
  branch.addGeneration();
  branch.close();
  expect(reopened(place).generations).toEqual([
    { generation: 7168, start: 0 },
    { generation: 7169, start: 1 },
  ]);
});

test("the chain of what was pushed is checked against what is there", async () => {
  const branch = await createBranch(openStore(newPlace()));
  const frames = framesOf({ page: 1, fill: 10, size: 3 });
  expect(branch.checkChain(1, frames)).toBe("unknown");
  expect(branch.checkChain(1, Uint8Array.from(frames).fill(1, 8, 24))).toBe("broken");
  expect(() => branch.checkChain(2, frames)).toThrow(RangeError);
});

test("calls that cannot be right change nothing", async () => {
  const branch = await createBranch(openStore(newPlace()));
  const frames = framesOf({ page: 1, fill: 10 }, { page: 2, fill: 20, size: 3 });
  expect(() => branch.stage(frames.subarray(1), "replica")).toThrow(RangeError);
  expect(() => branch.stage(framesOf({ page: 0, fill: 1 }), "replica")).toThrow(RangeError);
  branch.stage(frames, "replica");
  for (const call of [
    () => branch.commit(1, NOWHERE),
    () => branch.commit(3, NOWHERE),
    () => branch.prepare(3),
    () => branch.rewind(1, NOWHERE),
    () => branch.confirm(1),
    () => branch.frameAt(3),
    () => branch.pagesBetween(1, 3),
  ])
    expect(call).toThrow(RangeError);
  await expect(branch.fold(2)).rejects.toThrow(RangeError);
  branch.commit(2, NOWHERE);
  expect(() => branch.unstage(1)).toThrow(RangeError);
  expect(factsOf(branch)).toMatchObject({ head: 2, stagedEnd: 2, confirmed: 0 });
});

test("a branch is made as a whole, or not at all", async () => {
  const place = newPlace();
  const store = openStore(place);
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield* imageOf(1);
    throw new Error("the database is gone");
  };
  const branch = { block: 3, device: "phone", standing: NOWHERE };
  await expect(store.create({ ...branch, image: failing() })).rejects.toThrow("the database is gone");
  expect(readdirSync(place.directory)).toEqual([]);
  const cut = (async function* () {
    yield new Uint8Array(5000);
  })();
  await expect(store.create({ ...branch, image: cut })).rejects.toThrow(RangeError);
  const [first, second] = [createBranch(store, 3), createBranch(store, 3)];
  await expect(second).rejects.toThrow(RangeError);
  await first;
  await expect(createBranch(store, 3)).rejects.toThrow(RangeError);
});

test("one that is made while the store is closed is not made", async () => {
  const place = newPlace();
  const store = openStore(place);
  const closing = async function* (): AsyncGenerator<Uint8Array> {
    yield* imageOf(1);
    store.close();
  };
  const made = store.create({ block: 3, device: undefined, image: closing(), standing: NOWHERE });
  await expect(made).rejects.toMatchObject({ code: "closed" });
  expect(readdirSync(place.directory)).toEqual([]);
  expect(() => store.open(3, () => undefined)).toThrow(expect.objectContaining({ code: "closed" }));
});

test("branches are listed, used and removed", async () => {
  const place = newPlace();
  const store = openStore(place);
  const createdAt = place.now;
  await createBranch(store, 7, "phone");
  (await createBranch(store, 8, "tablet")).close();
  place.now += HOUR;
  store.open(7, () => undefined);
  expect(listOf(store)).toEqual([
    { block: 7, device: "phone", createdAt, usedAt: createdAt + HOUR },
    { block: 8, device: "tablet", createdAt, usedAt: createdAt },
  ]);
  place.now += HOUR - 1;
  store.open(7, () => undefined);
  store.close();
  const again = openStore(place);
  expect(listOf(again)).toMatchObject([
    { block: 7, usedAt: createdAt + 2 * HOUR - 1 },
    { block: 8, usedAt: createdAt },
  ]);
  again.open(8, () => undefined);
  await again.remove(8);
  await again.remove(8);
  expect(again.list().map(({ block }) => block)).toEqual([7]);
  expect(again.open(8, () => undefined)).toBeUndefined();
  expect(readdirSync(place.directory)).toEqual(["branch-7"]);
  expect((await createBranch(again, 8)).head).toBe(0);
});

test("use is noted while a branch stays open", async () => {
  const place = newPlace();
  const store = openStore(place);
  await createBranch(store);
  place.now += HOUR;
  store.open(7, () => undefined);
  // The process ends here: nothing is closed.
  expect(listOf(openStore(place))).toMatchObject([{ block: 7, usedAt: place.now }]);
});

test("what is left of a branch that was being made or removed goes away; other files stay", () => {
  const place = newPlace();
  mkdirSync(join(place.directory, "branch-3.new"), { recursive: true });
  mkdirSync(join(place.directory, "branch-4.gone"));
  writeFileSync(join(place.directory, "branch-4.gone", "base.db"), "x");
  writeFileSync(join(place.directory, "notes"), "x");
  expect(openStore(place).list()).toEqual([]);
  expect(readdirSync(place.directory)).toEqual(["notes"]);
  expect(readdirSync(dirname(place.directory))).toEqual(["main.db-offline"]);
});

test("a transaction of 5 000 frames", async () => {
  const place = newPlace();
  const branch = await createBranch(openStore(place));
  const pages = Array.from({ length: 5000 }, (_, index) => index + 1);
  const frames = framesOf(
    ...pages.map((page) => ({ page, fill: page % 256, ...(page === 5000 ? { size: 5000 } : {}) })),
  );
  for (let at = 0; at < 5000; at += 128)
    branch.stage(frames.subarray(at * FRAME_SIZE, Math.min(at + 128, 5000) * FRAME_SIZE), "replica");
  branch.prepare(5000);
  branch.commit(5000, NOWHERE);
  expect(sameBytes(branch.readFrames(0, 5000), frames)).toBe(true);
  branch.addGeneration();
  await branch.fold(5000);
  branch.close();
  const image = reopened(place).imageAt(5000);
  for (const page of [1, 2500, 5000]) expect(image.readPage(page)[4095]).toBe(page % 256);
});
