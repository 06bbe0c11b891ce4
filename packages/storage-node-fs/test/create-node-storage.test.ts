import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileHandle } from "@tributary/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { createNodeStorage } from "../src/index.js";

function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tributary-storage-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const text = (content: Uint8Array | undefined): string => Buffer.from(content ?? []).toString();

describe("opening", () => {
  it.each([
    ["read", false, undefined],
    ["write", false, undefined],
    ["create", false, ""],
    ["replace", false, ""],
    ["read", true, "old"],
    ["write", true, "old"],
    ["create", true, "old"],
    ["replace", true, ""],
  ] as const)("in mode %s, the file there: %s", (mode, there, content) => {
    const path = join(tempDirectory(), "file");
    if (there) writeFileSync(path, "old");
    const storage = createNodeStorage();
    const file = storage.openFile(path, mode);
    if (content === undefined) {
      expect(file).toBeUndefined();
      return;
    }
    expect(text(storage.readAt(file as FileHandle, 0, 100))).toBe(content);
    storage.closeFile(file as FileHandle);
  });

  it("says where no file can be", () => {
    const directory = tempDirectory();
    const storage = createNodeStorage();
    for (const mode of ["create", "replace"] as const) {
      expect(() => storage.openFile(join(directory, "none", "file"), mode)).toThrow(
        expect.objectContaining({
          code: "io-failed",
          message: expect.stringContaining("directory does not exist"),
          details: { path: join(directory, "none", "file") },
          cause: expect.objectContaining({ code: "ENOENT" }),
        }),
      );
    }
    mkdirSync(join(directory, "folder"));
    expect(() => storage.openFile(join(directory, "folder"), "write")).toThrow(
      expect.objectContaining({ code: "io-failed", message: expect.stringContaining("it is a directory") }),
    );
  });
});

describe("an open file", () => {
  it("is read and written at offsets", () => {
    const storage = createNodeStorage();
    const file = storage.openFile(join(tempDirectory(), "file"), "create") as FileHandle;
    storage.writeAt(file, 4, bytes("tail"));
    storage.writeAt(file, 0, bytes("head"));
    storage.syncFile(file);
    expect(text(storage.readAt(file, 2, 4))).toBe("adta");
    expect(text(storage.readAt(file, 6, 100))).toBe("il");
    expect(storage.readAt(file, 50, 10).length).toBe(0);
    expect(storage.readAt(file, 0, 3).constructor).toBe(Uint8Array);
    expect(storage.fileSize(file)).toBe(8);
    storage.truncateFile(file, 3);
    expect(text(storage.readAt(file, 0, 100))).toBe("hea");
    storage.closeFile(file);
  });

  it("is gone once closed", () => {
    const storage = createNodeStorage();
    const file = storage.openFile(join(tempDirectory(), "file"), "create") as FileHandle;
    storage.closeFile(file);
    const ours = expect.objectContaining({ code: "internal" });
    expect(() => storage.closeFile(file)).toThrow(ours);
    expect(() => storage.readAt(file, 0, 1)).toThrow(ours);
    expect(() => createNodeStorage().closeFile(1 as FileHandle)).toThrow(ours);
  });
});

describe("whole files", () => {
  it("are replaced, read, renamed, removed, and leave nothing beside them", () => {
    const directory = tempDirectory();
    const [path, other] = [join(directory, "file"), join(directory, "other")];
    const storage = createNodeStorage();
    expect(storage.readWholeFile(path, 10)).toBeUndefined();
    storage.replaceWholeFile(path, bytes("one"));
    storage.replaceWholeFile(path, bytes("second"));
    expect(text(storage.readWholeFile(path, 6))).toBe("second");
    expect(() => storage.readWholeFile(path, 5)).toThrow(expect.objectContaining({ code: "io-failed" }));
    writeFileSync(other, "old");
    storage.renameFile(path, other);
    expect(readFileSync(other, "utf8")).toBe("second");
    expect(readdirSync(directory)).toEqual(["other"]);
    storage.removeFile(other);
    storage.removeFile(other);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("stay as they are when the new content cannot be written", () => {
    const directory = tempDirectory();
    const path = join(directory, "file");
    const storage = createNodeStorage();
    storage.replaceWholeFile(path, bytes("old"));
    mkdirSync(`${path}.tmp`);
    expect(() => storage.replaceWholeFile(path, bytes("new"))).toThrow(
      expect.objectContaining({ code: "io-failed" }),
    );
    expect(readFileSync(path, "utf8")).toBe("old");
  });
});
