import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../../../../tests/support/temporary-directory.js";
import type { Branch } from "../../src/offline/branch.js";
import type { BranchStore } from "../../src/offline/branch-store.js";
import { openBranchStore } from "../../src/offline/file-branch-store.js";
import type { Standing } from "../../src/offline/standing.js";
import { fillsOf, framesOf, imageOf } from "./branch-frames-support.js";

const NOWHERE: Standing = { equalTo: undefined, compared: undefined, offered: undefined };

const newDirectory = (): string => join(temporaryDirectory(), "main.db-offline");

function openStore(directory: string): BranchStore {
  const store = openBranchStore(directory, { now: () => 0 });
  onTestFinished(() => store.close());
  return store;
}

function createBranch(store: BranchStore): Promise<Branch> {
  return store.create({ block: 7, device: "phone", image: imageOf(1, 2, 3), standing: NOWHERE });
}

function reopened(directory: string): Branch {
  return openStore(directory).open(7, () => undefined) as Branch;
}

function push(branch: Branch, frames: Uint8Array): void {
  branch.stage(frames, "replica");
  branch.commit(branch.stagedEnd, NOWHERE);
}

function factsOf({ base, head, stagedEnd }: Branch): Partial<Branch> {
  return { base, head, stagedEnd };
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

test("frames are folded into the image, and what was staged stays", async () => {
  const directory = newDirectory();
  const branch = await createBranch(openStore(directory));
  push(branch, framesOf({ page: 1, fill: 10 }, { page: 5, fill: 50, size: 5 }));
  push(branch, framesOf({ page: 2, fill: 20, size: 2 }));
  push(branch, framesOf({ page: 1, fill: 11, size: 4 }));
  branch.addGeneration();
  push(branch, framesOf({ page: 4, fill: 44, size: 4 }));
  branch.stage(framesOf({ page: 3, fill: 33, size: 3 }), "replica");
  await expect(branch.fold(5)).rejects.toThrow(RangeError);
  const images = [4, 5, 6].map((position) => fillsOf(branch.imageAt(position)));
  expect(images).toEqual([
    [11, 20, 0, 0],
    [11, 20, 0, 44],
    [11, 20, 33],
  ]);
  await branch.fold(4);
  await branch.fold(4);
  expect(factsOf(branch)).toMatchObject({ base: 4, head: 5, stagedEnd: 6 });
  expect(branch.generations).toEqual([{ generation: 7169, start: 4 }]);
  expect([4, 5, 6].map((position) => fillsOf(branch.imageAt(position)))).toEqual(images);
  expect(sameBytes(branch.readFrames(4, 5), framesOf({ page: 4, fill: 44, size: 4 }))).toBe(true);
  for (const early of [
    () => branch.imageAt(3),
    () => branch.readFrames(3, 5),
    () => branch.rewind(3, NOWHERE),
  ])
    expect(early).toThrow(RangeError);
  branch.close();
  const again = reopened(directory);
  expect(factsOf(again)).toMatchObject({ base: 4, head: 5, stagedEnd: 5 });
  expect([4, 5].map((position) => fillsOf(again.imageAt(position)))).toEqual(images.slice(0, 2));
});

const MANY = 1_000;

/** A branch with a long generation behind it. */
async function longBranch(directory: string): Promise<Branch> {
  const branch = await createBranch(openStore(directory));
  const pages = Array.from({ length: MANY }, (_, index) => index + 1);
  push(
    branch,
    framesOf(...pages.map((page) => ({ page, fill: page % 256, size: page === MANY ? MANY : 0 }))),
  );
  branch.addGeneration();
  push(branch, framesOf({ page: 1, fill: 77, size: MANY }));
  return branch;
}

test("others have their turn while a long generation is folded, and read what is behind it", async () => {
  const branch = await longBranch(newDirectory());
  let isFolded = false;
  const folding = branch.fold(MANY).then(() => {
    isFolded = true;
  });
  let turns = 0;
  for (; !isFolded; turns++) {
    for (const [page, fill] of [
      [1, 77],
      [MANY, MANY % 256],
    ] as const)
      expect(branch.imageAt(MANY + 1).readPage(page)[0]).toBe(fill);
    expect(branch.imageAt(MANY).readPage(1)[0]).toBe(1);
    expect(() => branch.imageAt(MANY - 1)).toThrow(RangeError);
    await new Promise(setImmediate);
  }
  await folding;
  expect(turns).toBeGreaterThan(MANY / 64);
  expect(branch.readFrames(MANY, MANY + 1).length).toBe(4120);
});

test("a branch that is closed while it is folded is folded when it is opened", async () => {
  const directory = newDirectory();
  const branch = await longBranch(directory);
  const folding = branch.fold(MANY);
  await new Promise(setImmediate);
  branch.close();
  await expect(folding).rejects.toMatchObject({ code: "closed" });
  const again = reopened(directory);
  expect(factsOf(again)).toEqual({ base: MANY, head: MANY + 1, stagedEnd: MANY + 1 });
  const image = again.imageAt(MANY + 1);
  for (const [page, fill] of [
    [1, 77],
    [2, 2],
    [MANY, MANY % 256],
  ] as const)
    expect(image.readPage(page)[0]).toBe(fill);
});

test("a branch that is closed does not touch the file that got its descriptor", async () => {
  const directory = newDirectory();
  const branch = await createBranch(openStore(directory));
  push(branch, framesOf({ page: 1, fill: 10, size: 3 }));
  branch.stage(framesOf({ page: 2, fill: 20 }), "replica");
  branch.close();
  const others = Array.from({ length: 8 }, (_, index) => {
    const path = join(directory, `other-${index}`);
    writeFileSync(path, "somebody else's");
    const descriptor = openSync(path, "r+");
    onTestFinished(() => closeSync(descriptor));
    return path;
  });
  const isClosed = expect.objectContaining({ code: "closed" });
  expect(() => branch.unstage()).toThrow(isClosed);
  expect(() => branch.stage(framesOf({ page: 2, fill: 20, size: 3 }), "replica")).toThrow(isClosed);
  expect(() => branch.imageAt(1).readPage(1)).toThrow(isClosed);
  // Nothing is lost where this fails.
  branch.setStanding(NOWHERE);
  for (const path of others) expect(readFileSync(path, "utf8")).toBe("somebody else's");
});
