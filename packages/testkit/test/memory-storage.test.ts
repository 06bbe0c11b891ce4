import type { FileHandle } from "@tributary/core";
import { describe, expect, test } from "vitest";
import { createMemoryStorage, createRandom, describeIoOperations, type MemoryStorage } from "../src/index.js";

describeIoOperations(
  "the in-memory storage",
  () => {
    const files = createMemoryStorage(["directory"]);
    return { files, directory: "directory", crash: () => files.crash() };
  },
  { canCrash: true },
);

const SEEDS = 200;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function contentOf(files: MemoryStorage, path: string): string | undefined {
  const content = files.readWholeFile(path, 1000);
  return content && new TextDecoder().decode(content);
}

function create(files: MemoryStorage, path: string): FileHandle {
  return files.openFile(path, "create") as FileHandle;
}

/** What a file may hold after a crash, over many seeds; `undefined`: it may be gone. */
function outcomes(path: string, work: (files: MemoryStorage) => void): unknown[] {
  const found = new Set<string | undefined>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const files = createMemoryStorage();
    work(files);
    files.crash(createRandom(seed));
    found.add(contentOf(files, path));
  }
  return [...found].sort();
}

describe("a power cut", () => {
  test("leaves of the writes since the last sync none, all, or the first few with the last one torn", () => {
    const work = (files: MemoryStorage): void => {
      const file = create(files, "a");
      files.writeAt(file, 0, bytes("----"));
      files.syncFile(file);
      files.writeAt(file, 0, bytes("xy"));
      files.writeAt(file, 2, bytes("z"));
    };
    expect(outcomes("a", work)).toEqual(["----", "x---", "xy--", "xyz-"]);
  });

  test("may leave a change of size out", () => {
    const work = (files: MemoryStorage): void => {
      const file = create(files, "a");
      files.writeAt(file, 0, bytes("1234"));
      files.syncFile(file);
      files.truncateFile(file, 1);
      files.writeAt(file, 1, bytes("5"));
    };
    expect(outcomes("a", work)).toEqual(["1", "1234", "15"]);
  });

  test("may bring removed files back, and lose those that were made", () => {
    const synced = (files: MemoryStorage): void => {
      const file = create(files, "a");
      files.writeAt(file, 0, bytes("old"));
      files.syncFile(file);
      files.closeFile(file);
    };
    expect(outcomes("a", (files) => create(files, "a"))).toEqual(["", undefined]);
    const removed = (files: MemoryStorage): void => {
      synced(files);
      files.removeFile("a");
    };
    expect(outcomes("a", removed)).toEqual(["old", undefined]);
    const madeAgain = (files: MemoryStorage): void => {
      removed(files);
      create(files, "a");
    };
    expect(outcomes("a", madeAgain)).toEqual(["", "old", undefined]);
  });

  test("leaves what is durable as it is", () => {
    const work = (files: MemoryStorage): void => {
      files.replaceWholeFile("a", bytes("one"));
      files.replaceWholeFile("b", bytes("two"));
      files.renameFile("b", "a");
    };
    expect(outcomes("a", work)).toEqual(["two"]);
    expect(outcomes("b", work)).toEqual([undefined]);
  });

  test("without a seed loses all that may be lost", () => {
    const files = createMemoryStorage();
    files.replaceWholeFile("a", bytes("one"));
    const stamp = files.fileStamp("a");
    const file = files.openFile("a", "write") as FileHandle;
    files.writeAt(file, 0, bytes("two"));
    files.removeFile("a");
    create(files, "b");
    files.crash();
    expect(files.paths()).toEqual(["a"]);
    expect(contentOf(files, "a")).toBe("one");
    expect(files.fileStamp("a")).toBe(stamp);
    expect(() => files.readAt(file, 0, 1)).toThrow(expect.objectContaining({ code: "internal" }));
  });

  test("is followed by others: what one has left, the next one leaves", () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const files = createMemoryStorage();
      const random = createRandom(seed);
      files.writeAt(create(files, "a"), 0, bytes("content"));
      files.crash(random);
      const [paths, content, stamp] = [files.paths(), contentOf(files, "a"), files.fileStamp("a")];
      files.crash(random);
      expect([files.paths(), contentOf(files, "a"), files.fileStamp("a")]).toEqual([paths, content, stamp]);
    }
  });

  test("does the same for the same seed", () => {
    const run = (): unknown => {
      const files = createMemoryStorage();
      for (const path of ["a", "b", "c", "d"]) {
        const file = create(files, path);
        for (let at = 0; at < 10; at++) files.writeAt(file, at, bytes(String(at)));
        if (path > "b") files.syncFile(file);
        files.removeFile(path === "d" ? "d" : "");
      }
      files.crash(createRandom(7));
      return files.paths().map((path) => [path, contentOf(files, path)]);
    };
    expect(run()).toEqual(run());
  });
});
