import { expect, test } from "vitest";
import type { Branch } from "../../src/offline/branch.js";
import { formatBranchState, parseBranchState } from "../../src/offline/branch-state.js";
import type { BranchStore } from "../../src/offline/branch-store.js";
import { openBranchStore } from "../../src/offline/file-branch-store.js";
import type { Standing } from "../../src/offline/standing.js";
import { ServerError } from "../../src/server-error.js";
import { fillsOf, framesOf, imageOf } from "./branch-frames-support.js";
import { MemoryFiles } from "./branch-memory-files.js";

const DIRECTORY = "/db-offline/branch-5";
const FILL = [10, 20, 30];
const STANDING: Standing = {
  equalTo: undefined,
  compared: { revision: "r1", position: 1 },
  offered: { from: 1, before: { equalTo: "r0", compared: undefined } },
};

/** Time of day. A branch notes when it is used, but not as often as that. */
const [CREATED_AT, USED_AT] = [5, 6];

function openStore(files: MemoryFiles, now = USED_AT): BranchStore {
  return openBranchStore("/db-offline", { now: () => now, files });
}

/** Files of a branch that was closed: two frames of the replica's, one of the server's. */
async function closedBranch(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const standing: Standing = { equalTo: undefined, compared: undefined, offered: undefined };
  const creating = openStore(files, CREATED_AT);
  await creating.create({ block: 5, device: "phone", image: imageOf(1, 2, 3), standing });
  creating.close();
  const store = openStore(files);
  const branch = store.open(5, () => undefined) as Branch;
  branch.stage(framesOf({ page: 1, fill: 10 }, { page: 2, fill: 20, size: 3 }), "replica");
  branch.commit(2, standing);
  branch.stage(framesOf({ page: 3, fill: 30, size: 3 }), "server");
  branch.commit(3, STANDING);
  branch.addGeneration();
  branch.confirm(2);
  store.close();
  return files;
}

function open(files: MemoryFiles): Branch {
  return openStore(files).open(5, () => 2) as Branch;
}

const flip = (at: number) => (bytes: Uint8Array) => {
  bytes[at] = (bytes[at] as number) ^ 0x20;
  return bytes;
};

test("no byte of the frames can be another one without being noticed", async () => {
  const files = await closedBranch();
  const { length } = files.readWhole(`${DIRECTORY}/frames`) as Uint8Array;
  // Every byte of the headers, and some of each page.
  const isHead = (at: number): boolean => at < 36 || (at - 36) % 4136 < 48;
  for (let at = 0; at < length; at += isHead(at) ? 1 : 97) {
    const damaged = files.afterCrash("killed");
    damaged.spoil(`${DIRECTORY}/frames`, flip(at));
    expect(() => fillsOf(open(damaged).imageAt(3)), `byte ${at}`).toThrow(
      expect.objectContaining({ code: "branch-damaged" }),
    );
  }
});

test("frames that are missing are noticed, and so is an image of another length", async () => {
  const files = await closedBranch();
  const lengths = { frames: [0, 10, 36, 36 + 4136, 36 + 3 * 4136 - 1], "base.db": [0, 4096, 3 * 4096 - 1] };
  for (const [name, shorter] of Object.entries(lengths)) {
    for (const length of shorter) {
      const cut = files.afterCrash("killed");
      cut.spoil(`${DIRECTORY}/${name}`, (bytes) => bytes.subarray(0, length));
      expect(() => open(cut), `${name} of ${length} bytes`).toThrow(ServerError);
    }
  }
});

test("frames of another replica are not taken for its own", async () => {
  const files = await closedBranch();
  const other = openStore(files);
  const standing: Standing = { equalTo: undefined, compared: undefined, offered: undefined };
  const branch = await other.create({ block: 6, device: "phone", image: imageOf(1, 2, 3), standing });
  branch.stage(
    framesOf({ page: 1, fill: 1, size: 3 }, { page: 1, fill: 1, size: 3 }, { page: 1, fill: 1, size: 3 }),
    "replica",
  );
  branch.commit(3, standing);
  other.close();
  const frames = files.readWhole("/db-offline/branch-6/frames") as Uint8Array;
  files.spoil(`${DIRECTORY}/frames`, () => frames);
  expect(() => open(files)).toThrow(expect.objectContaining({ code: "branch-damaged" }));
});

test.each(["state.json", "state-latest.json"])("%s may be damaged anywhere, or be gone", async (name) => {
  const files = await closedBranch();
  const { length } = files.readWhole(`${DIRECTORY}/${name}`) as Uint8Array;
  for (let at = -1; at < length; at += 2) {
    const damaged = files.afterCrash("killed");
    if (at === -1) damaged.remove(`${DIRECTORY}/${name}`);
    else damaged.spoil(`${DIRECTORY}/${name}`, flip(at));
    const branch = open(damaged);
    expect(branch.head).toBe(3);
    expect(branch.generations.length).toBe(2);
    expect(branch.standing).toEqual(STANDING);
    expect(fillsOf(branch.imageAt(3))).toEqual(FILL);
    branch.close();
    // Both are whole again.
    for (const other of ["state.json", "state-latest.json"]) {
      const again = damaged.afterCrash("killed");
      again.remove(`${DIRECTORY}/${other}`);
      expect(open(again).head).toBe(3);
    }
  }
});

test("frames that were merged, but not committed, are read before they are taken for committed", async () => {
  const files = await closedBranch();
  const branch = open(files);
  branch.stage(framesOf({ page: 1, fill: 11, size: 3 }), "replica");
  branch.prepare(4);
  const { length } = files.readWhole(`${DIRECTORY}/frames`) as Uint8Array;
  files.spoil(`${DIRECTORY}/frames`, flip(length - 1));
  const isDamaged = expect.objectContaining({ code: "branch-damaged" });
  expect(() => openStore(files).open(5, () => 4)).toThrow(isDamaged);
});

test("what is forgotten is cut off from the file", async () => {
  const files = await closedBranch();
  const before = files.readWhole(`${DIRECTORY}/frames`);
  open(files).stage(framesOf({ page: 1, fill: 11, size: 3 }), "replica");
  expect(files.readWhole(`${DIRECTORY}/frames`)).not.toEqual(before);
  open(files);
  expect(files.readWhole(`${DIRECTORY}/frames`)).toEqual(before);
});

test("without both of them the branch is damaged, and can be removed", async () => {
  const files = await closedBranch();
  for (const name of ["state.json", "state-latest.json"]) files.spoil(`${DIRECTORY}/${name}`, flip(30));
  const store = openStore(files);
  expect(() => store.open(5, () => undefined)).toThrow(expect.objectContaining({ code: "branch-damaged" }));
  expect(store.list()).toEqual([{ block: 5, device: undefined, createdAt: 0, usedAt: 0 }]);
  await store.remove(5);
  expect(files.list("/db-offline")).toEqual([]);
});

test("a state is read as it was written, and from no other bytes", () => {
  const state = {
    block: 5,
    device: undefined,
    createdAt: 1,
    usedAt: 2,
    era: 3,
    rewinds: 6,
    confirmed: 4,
    head: 5,
    generations: [{ generation: 5120, start: 0 }],
    standing: STANDING,
  };
  const bytes = formatBranchState({ number: 9, state: { ...state, device: "Zoë's phone" } });
  expect(parseBranchState(bytes)).toStrictEqual({ number: 9, state: { ...state, device: "Zoë's phone" } });
  expect(parseBranchState(formatBranchState({ number: 9, state }))).toStrictEqual({ number: 9, state });
  for (let length = 0; length < bytes.length; length++)
    expect(parseBranchState(bytes.subarray(0, length))).toBeUndefined();
});
