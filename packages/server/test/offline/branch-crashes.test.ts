import { expect, test } from "vitest";
import type { Branch } from "../../src/offline/branch.js";
import { openBranchStore } from "../../src/offline/file-branch-store.js";
import type { Standing } from "../../src/offline/standing.js";
import { createRandom } from "../support/random.js";
import { fillsOf, framesOf, imageOf } from "./branch-frames-support.js";
import { type Loss, MemoryFiles, Stopped } from "./branch-memory-files.js";

const BLOCK = 5;
const FIRST = BLOCK * 1024;

/** What must be found. Where a step is under way: as it was before, or as it is after. */
interface Expected {
  readonly head: number;
  readonly era: number;
  readonly generations: readonly { generation: number; start: number }[];
  readonly fills: readonly number[];
}

/** What the database says of the frames that were merged, by era. */
type Merged = Map<number, number>;

function standing(revision: string, position: number): Standing {
  return { equalTo: revision, compared: { revision, position }, offered: undefined };
}

/** Drives a branch through everything it can do, and knows what must be found at each moment. */
class Life {
  /** Undefined: there is no branch yet, or need not be. */
  before: Expected | undefined;
  after: Expected | undefined;
  branch: Branch | undefined;
  readonly merged: Merged = new Map();
  readonly #files: MemoryFiles;

  constructor(files: MemoryFiles) {
    this.#files = files;
  }

  async live(): Promise<void> {
    const store = openBranchStore("/db-offline", { now: () => 0, files: this.#files });
    const generation = { generation: FIRST, start: 0 };
    this.after = { head: 0, era: 0, generations: [generation], fills: [1, 2, 3] };
    const branch = await store.create({
      block: BLOCK,
      device: "phone",
      image: imageOf(1, 2, 3),
      standing: standing("r0", 0),
    });
    this.branch = branch;
    this.before = this.after;
    this.#push(branch, framesOf({ page: 2, fill: 20 }, { page: 4, fill: 40, size: 4 }), [1, 20, 3, 40]);
    this.#offer(branch, framesOf({ page: 1, fill: 11, size: 4 }), [11, 20, 3, 40]);
    branch.confirm(3);
    this.#push(branch, framesOf({ page: 3, fill: 30, size: 3 }), [11, 20, 30]);
    const { generations } = this.before as Expected;
    const next = { generation: FIRST + 1, start: 4 };
    this.#step({ generations: [...generations, next] }, () => void branch.addGeneration());
    this.#step({ generations }, () => branch.dropGeneration());
    this.#step({ generations: [...generations, next] }, () => void branch.addGeneration());
    this.#push(branch, framesOf({ page: 1, fill: 12 }, { page: 5, fill: 50, size: 5 }), [12, 20, 30, 0, 50]);
    branch.stage(framesOf({ page: 2, fill: 99 }), "replica");
    await this.#step({ generations: [next] }, () => branch.fold(4));
    branch.unstage();
    this.#push(branch, framesOf({ page: 5, fill: 51, size: 5 }), [12, 20, 30, 0, 51]);
    this.#offer(branch, framesOf({ page: 2, fill: 21, size: 5 }), [12, 21, 30, 0, 51]);
    this.#step({ head: 7, fills: [12, 20, 30, 0, 51] }, () => branch.rewind(7, standing("r7", 7)));
    this.#push(branch, framesOf({ page: 2, fill: 22, size: 5 }), [12, 22, 30, 0, 51]);
    // The replica was restored from a backup: what was merged is forgotten, and its positions are used again.
    this.#step({ head: 4, era: 1, fills: [11, 20, 30] }, () => branch.rewind(4, standing("r4", 4)));
    this.#push(
      branch,
      framesOf({ page: 1, fill: 13 }, { page: 2, fill: 23 }, { page: 3, fill: 33, size: 3 }),
      [13, 23, 33],
    );
    store.close();
  }

  /** As the protocol does it: staged, prepared, merged by the database, committed. */
  #push(branch: Branch, frames: Uint8Array, fills: readonly number[]): void {
    branch.stage(frames, "replica");
    const end = branch.stagedEnd;
    branch.prepare(end);
    const before = this.before as Expected;
    // From here on it is in the database, whatever becomes of the branch.
    this.merged.set(before.era, end);
    this.before = { ...before, head: end, fills };
    branch.commit(end, standing(`r${end}`, 0));
  }

  #offer(branch: Branch, frames: Uint8Array, fills: readonly number[]): void {
    branch.stage(frames, "server");
    const end = branch.stagedEnd;
    this.#step({ head: end, fills }, () => branch.commit(end, standing(`r${end}`, end)));
  }

  #step(change: Partial<Expected>, step: () => void): void;
  #step(change: Partial<Expected>, step: () => Promise<void>): Promise<void>;
  #step(change: Partial<Expected>, step: () => void | Promise<void>): void | Promise<void> {
    this.after = { ...(this.before as Expected), ...change };
    const end = (): void => {
      this.before = this.after;
      this.after = undefined;
    };
    const going = step();
    return going === undefined ? end() : going.then(end);
  }
}

function checkFound(files: MemoryFiles, { before, after, merged }: Life): void {
  const store = openBranchStore("/db-offline", { now: () => 0, files });
  expect(files.list("/db-offline").filter((name) => !/^branch-\d+$/.test(name))).toEqual([]);
  const branch = store.open(BLOCK, (era) => merged.get(era));
  if (branch === undefined) {
    expect(before).toBeUndefined();
    return;
  }
  const { head, era, generations } = branch;
  const found = { head, era, generations, fills: fillsOf(branch.imageAt(head)) };
  expect([before, after]).toContainEqual(found);
  expect(branch.stagedEnd).toBe(head);
  expect(branch.confirmed).toBeLessThanOrEqual(head);
  expect(branch.standing.compared?.position).toBeLessThanOrEqual(head);
  // Of which revision the rows are is known for the head only.
  expect([undefined, `r${head}`]).toContain(branch.standing.equalTo);
  const [base] = generations;
  expect([branch.base, baseOfFrames(files)]).toEqual([base?.start, base?.start]);
  branch.stage(framesOf({ page: 1, fill: 77, size: 2 }), "server");
  branch.commit(head + 1, standing("later", head + 1));
  store.close();
  const again = openBranchStore("/db-offline", { now: () => 0, files }).open(BLOCK, (era) => merged.get(era));
  expect(fillsOf((again as Branch).imageAt(head + 1))).toEqual([77, found.fills[1]]);
}

/** As the header of the file of frames says: how far the image goes. */
function baseOfFrames(files: MemoryFiles): number {
  const bytes = files.readWhole(`/db-offline/branch-${BLOCK}/frames`) as Uint8Array;
  return new DataView(bytes.buffer).getUint32(24);
}

async function lifeUntil(stopAt: number): Promise<{ files: MemoryFiles; life: Life; isOver: boolean }> {
  const files = new MemoryFiles();
  files.stopAt = stopAt;
  const life = new Life(files);
  try {
    await life.live();
    return { files, life, isOver: true };
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return { files, life, isOver: false };
  }
}

/** What a crash leaves: everything, what was synced, or a choice. */
const LOSSES: readonly (readonly [string, (step: number) => Loss])[] = [
  ["killed", () => "killed"],
  ["power cut, all lost", () => () => 0],
  ["power cut, some lost", (step) => createRandom(step)],
  ["power cut, others lost", (step) => createRandom(step + 1_000_000)],
];

test.each(LOSSES)("a branch is whole after a crash at any step: %s", async (_, lossAt) => {
  let isOver = false;
  for (let step = 1; !isOver; step++) {
    const stopped = await lifeUntil(step);
    isOver = stopped.isOver;
    checkFound(stopped.files.afterCrash(lossAt(step)), stopped.life);
  }
});

test.each(LOSSES.slice(0, 3))("a crash while it recovers from a crash is harmless: %s", async (_, lossAt) => {
  for (let step = 20; ; step += 11) {
    const { files, life, isOver } = await lifeUntil(step);
    if (isOver) break;
    const found = files.afterCrash(lossAt(step));
    for (let second = 1; second < 12; second++) {
      const opened = found.afterCrash("killed");
      opened.stopAt = second;
      try {
        openBranchStore("/db-offline", { now: () => 0, files: opened }).open(BLOCK, (era) =>
          life.merged.get(era),
        );
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
      }
      checkFound(opened.afterCrash(lossAt(second)), life);
    }
  }
});

test.each(LOSSES.slice(0, 3))(
  "a step that fails is as good as a crash, one may follow: %s",
  async (_, lossAt) => {
    const { steps } = (await lifeUntil(Number.POSITIVE_INFINITY)).files;
    for (let step = 1; step <= steps; step++) {
      const files = new MemoryFiles();
      files.failAt = step;
      const life = new Life(files);
      const failure = await life.live().then(
        () => "none",
        (error: Error) => error.message,
      );
      // Some need not succeed: the next one makes up for it.
      expect(["ENOSPC", "none"]).toContain(failure);
      // As the protocol does it: what could not be committed is forgotten.
      if (failure === "ENOSPC") life.branch?.unstage();
      checkFound(files.afterCrash(lossAt(step)), life);
    }
  },
);
