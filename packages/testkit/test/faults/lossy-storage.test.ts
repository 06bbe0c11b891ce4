import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FileHandle } from "@tributary/core";
import { expect, onTestFinished, test } from "vitest";
import { createNodeStorage } from "../../../storage-node-fs/src/index.js";
import {
  copyFiles,
  createLossyStorage,
  createRandom,
  type LossyStorage,
  makeCrashDirectory,
} from "../../src/index.js";

function prepare(): {
  directory: string;
  files: LossyStorage;
  path: string;
  afterPowerCut(seed?: number): string;
} {
  const directory = makeCrashDirectory();
  const room = makeCrashDirectory();
  onTestFinished(() => {
    for (const path of [directory, room]) rmSync(path, { recursive: true, force: true });
  });
  const files = createLossyStorage(createNodeStorage());
  let copies = 0;
  const afterPowerCut = (seed?: number): string => {
    const copy = join(room, String(copies++));
    copyFiles(directory, copy);
    files.loseUnsynced(copy, seed === undefined ? undefined : createRandom(seed));
    return copy;
  };
  return { directory, files, path: join(directory, "file"), afterPowerCut };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("what was not synced is lost, sizes too, and what was synced is not", () => {
  const { files, path, afterPowerCut } = prepare();
  const file = files.openFile(path, "create") as FileHandle;
  expect(readdirSync(afterPowerCut())).toEqual([]);
  files.writeAt(file, 0, bytes("durable"));
  files.syncFile(file);
  files.writeAt(file, 2, bytes("RA"));
  files.writeAt(file, 7, bytes(" and more"));
  files.writeAt(file, 3, bytes("XX"));
  expect(readFileSync(path, "utf8")).toBe("duRXXle and more");
  expect(readFileSync(join(afterPowerCut(), "file"), "utf8")).toBe("durable");
  files.truncateFile(file, 1);
  expect(readFileSync(join(afterPowerCut(), "file"), "utf8")).toBe("durable");
  files.syncFile(file);
  expect(readFileSync(join(afterPowerCut(), "file"), "utf8")).toBe("d");
  expect(files.unsynced).toBe(0);
  files.closeFile(file);
});

test("a range that somebody else has written to since stays", () => {
  const { files, path, afterPowerCut } = prepare();
  const file = files.openFile(path, "create") as FileHandle;
  files.syncFile(file);
  files.writeAt(file, 0, new Uint8Array(1024).fill(1));
  const others = readFileSync(path);
  others.fill(2, 0, 512);
  writeFileSync(path, others);
  const after = readFileSync(join(afterPowerCut(), "file"));
  expect(after.subarray(0, 512).every((byte) => byte === 2)).toBe(true);
  expect(after.subarray(512).some((byte) => byte === 1)).toBe(false);
  files.closeFile(file);
});

test("removed and emptied files come back", () => {
  const { files, path, afterPowerCut } = prepare();
  files.replaceWholeFile(path, bytes("whole"));
  files.removeFile(path);
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(join(afterPowerCut(), "file"), "utf8")).toBe("whole");
  const file = files.openFile(path, "replace") as FileHandle;
  files.writeAt(file, 0, bytes("new"));
  expect(readFileSync(join(afterPowerCut(), "file"), "utf8")).toBe("whole");
  files.syncFile(file);
  expect(readFileSync(join(afterPowerCut(), "file"), "utf8")).toBe("new");
  files.closeFile(file);
  const again = files.openFile(path, "replace") as FileHandle;
  expect(readFileSync(join(afterPowerCut(), "file"), "utf8")).toBe("new");
  files.closeFile(again);
});

test("replacing and renaming are durable, but make nothing durable that was not synced", () => {
  const { directory, files, path, afterPowerCut } = prepare();
  files.replaceWholeFile(path, bytes("old"));
  const file = files.openFile(join(directory, "download"), "create") as FileHandle;
  files.writeAt(file, 0, bytes("some"));
  files.syncFile(file);
  files.writeAt(file, 4, bytes(" more"));
  files.closeFile(file);
  files.renameFile(join(directory, "download"), path);
  const copy = afterPowerCut();
  expect(readdirSync(copy)).toEqual(["file"]);
  expect(readFileSync(join(copy, "file"), "utf8")).toBe("some");
});

test("a power cut from a seed tears writes, always in the same way", () => {
  const { files, path, afterPowerCut } = prepare();
  const file = files.openFile(path, "create") as FileHandle;
  files.writeAt(file, 0, new Uint8Array(3000).fill(1));
  files.syncFile(file);
  files.writeAt(file, 0, new Uint8Array(3000).fill(2));
  const outcome = (seed: number): string => {
    const after = readFileSync(join(afterPowerCut(seed), "file"));
    const fresh = after.filter((byte) => byte === 2).length;
    return fresh === 0 ? "lost" : fresh === 3000 ? "kept" : "torn";
  };
  const seeds = Array.from({ length: 30 }, (_, seed) => seed);
  expect(new Set(seeds.map(outcome))).toEqual(new Set(["lost", "kept", "torn"]));
  const torn = (): Buffer => readFileSync(join(afterPowerCut(5), "file"));
  expect(torn()).toEqual(torn());
  files.closeFile(file);
});

test("a stamp is one of the content", () => {
  const { directory, files, path } = prepare();
  expect(files.fileStamp(path)).toBeUndefined();
  files.replaceWholeFile(path, bytes("a"));
  files.replaceWholeFile(join(directory, "copy"), bytes("a"));
  expect(files.fileStamp(path)).toBe(files.fileStamp(join(directory, "copy")));
  files.replaceWholeFile(path, bytes("b"));
  expect(files.fileStamp(path)).not.toBe(files.fileStamp(join(directory, "copy")));
});
