import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
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

describe("opening", () => {
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
  it("gives plain bytes", () => {
    const storage = createNodeStorage();
    const file = storage.openFile(join(tempDirectory(), "file"), "create") as FileHandle;
    expect(storage.readAt(file, 0, 3).constructor).toBe(Uint8Array);
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
  it("are replaced and renamed, and leave nothing beside them", () => {
    const directory = tempDirectory();
    const [path, other] = [join(directory, "file"), join(directory, "other")];
    const storage = createNodeStorage();
    storage.replaceWholeFile(path, bytes("one"));
    storage.replaceWholeFile(path, bytes("second"));
    expect(readdirSync(directory)).toEqual(["file"]);
    expect(() => storage.readWholeFile(path, 5)).toThrow(expect.objectContaining({ code: "io-failed" }));
    storage.renameFile(path, other);
    expect(readdirSync(directory)).toEqual(["other"]);
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
