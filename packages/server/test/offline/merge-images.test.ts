import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../tests/support/temporary-directory.js";
import type { Branch } from "../../src/offline/branch.js";
import type { BranchFiles } from "../../src/offline/branch-files.js";
import { nodeBranchFiles } from "../../src/offline/branch-files-node.js";
import { openBranchStore } from "../../src/offline/file-branch-store.js";
import { openMergeImages } from "../../src/offline/merge-images.js";
import type { Standing } from "../../src/offline/standing.js";
import { fillsOf, framesOf, imageOf } from "./branch-frames-support.js";

const NOWHERE: Standing = { equalTo: undefined, compared: undefined, offered: undefined };

async function openBranch(): Promise<Branch> {
  const store = openBranchStore(join(temporaryDirectory(), "offline"), { now: () => 0 });
  return store.create({ block: 1, device: "phone", image: imageOf(1, 2, 3), standing: NOWHERE });
}

test("what was prepared is seen by its directory, while the branch is open", async () => {
  const branch = await openBranch();
  branch.stage(framesOf({ page: 1, fill: 10, size: 3 }), "server");
  branch.commit(1, NOWHERE);
  branch.addGeneration();
  await branch.fold(1);
  branch.stage(
    framesOf({ page: 2, fill: 20 }, { page: 4, fill: 40, size: 4 }, { page: 2, fill: 21 }),
    "replica",
  );
  branch.prepare(3);
  const images = openMergeImages(branch.directory, 1, 3);
  expect(fillsOf(images.before)).toEqual([10, 2, 3]);
  expect(fillsOf(images.after)).toEqual([10, 20, 3, 40]);
  expect(images.changedPages).toEqual(new Set([2, 4]));
  const page = images.before.readPage(2);
  images.after.readPage(2);
  expect(page[0]).toBe(2);
  images.close();
  branch.close();
});

test("frames that are not there, or no longer what they were, are noticed", async () => {
  const branch = await openBranch();
  branch.stage(framesOf({ page: 1, fill: 10, size: 3 }), "replica");
  branch.prepare(1);
  const isDamaged = expect.objectContaining({ code: "branch-damaged" });
  expect(() => openMergeImages(branch.directory, 0, 2)).toThrow(isDamaged);
  appendFileSync(join(branch.directory, "frames"), new Uint8Array(4136));
  expect(() => openMergeImages(branch.directory, 0, 2)).toThrow(isDamaged);
  branch.close();
});

/** Files that count the bytes that are read from them. */
function countingFiles(): { files: BranchFiles; takeBytes(): number } {
  let bytes = 0;
  const files: BranchFiles = {
    ...nodeBranchFiles,
    open(path, mode) {
      const file = nodeBranchFiles.open(path, mode);
      const read = file.read.bind(file);
      file.read = (target, position) => {
        bytes += target.length;
        return read(target, position);
      };
      return file;
    },
  };
  const takeBytes = (): number => {
    const taken = bytes;
    bytes = 0;
    return taken;
  };
  return { files, takeBytes };
}

function push(branch: Branch, count: number, fill: number): void {
  branch.stage(framesOf(...Array.from({ length: count }, () => ({ page: 2, fill, size: 3 }))), "replica");
  branch.prepare(branch.stagedEnd);
}

test("another merge of the same branch reads what was added, and no more", async () => {
  const branch = await openBranch();
  const { files, takeBytes } = countingFiles();
  const merge = (fill: number): number => {
    const images = openMergeImages(branch.directory, branch.head, branch.stagedEnd, files);
    const bytes = takeBytes();
    expect(fillsOf(images.after)).toEqual([1, fill, 3]);
    images.close();
    takeBytes();
    return bytes;
  };
  push(branch, 200, 20);
  merge(20);
  // That merge was refused, and other frames come in the same place.
  branch.unstage();
  push(branch, 300, 30);
  merge(30);
  branch.commit(branch.stagedEnd, NOWHERE);
  push(branch, 1, 40);
  expect(merge(40)).toBeGreaterThan(300 * 4120);
  branch.commit(branch.stagedEnd, NOWHERE);
  push(branch, 2, 50);
  expect(merge(50)).toBeLessThan(5 * 4136);
});

test("what is remembered of a branch is not used for what came after a rewind, a fold, or another branch", async () => {
  const branch = await openBranch();
  const filled = (): number => {
    const images = openMergeImages(branch.directory, branch.head, branch.stagedEnd);
    const fill = images.before.readPage(2)[0] as number;
    images.close();
    return fill;
  };
  push(branch, 3, 20);
  branch.commit(3, NOWHERE);
  expect(filled()).toBe(20);
  branch.rewind(1, NOWHERE);
  branch.stage(framesOf({ page: 1, fill: 9, size: 3 }, { page: 3, fill: 9, size: 3 }), "server");
  branch.commit(3, NOWHERE);
  expect(filled()).toBe(20);
  branch.stage(framesOf({ page: 2, fill: 66, size: 3 }), "server");
  branch.commit(4, NOWHERE);
  expect(filled()).toBe(66);
  branch.addGeneration();
  await branch.fold(4);
  push(branch, 4, 77);
  branch.commit(8, NOWHERE);
  expect(filled()).toBe(77);
  branch.close();
});
