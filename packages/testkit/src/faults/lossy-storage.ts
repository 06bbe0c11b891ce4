import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FileHandle, IoOperations } from "@tributary/core";
import type { SeededRandom } from "../random/seeded-random.js";
import { loseInDirectory, type UnsyncedChange } from "./lose-in-directory.js";

/** {@link IoOperations} that all answer at once. */
export type SynchronousFiles = {
  readonly [M in keyof IoOperations]: (
    ...args: Parameters<IoOperations[M]>
  ) => Awaited<ReturnType<IoOperations[M]>>;
};

/** A storage that remembers what a power cut could take. */
export interface LossyStorage extends SynchronousFiles {
  /** How many changes are not durable yet. */
  readonly unsynced: number;
  /** The path of an open file. */
  pathOf(file: FileHandle): string | undefined;
  /**
   * Does to a copy of a directory what a power cut could do to the original at this moment. Without `random`, all that
   * was not synced is lost; with it, a choice of that, some of it torn. Returns how many changes it undid.
   */
  loseUnsynced(copy: string, random?: SeededRandom): number;
}

/**
 * Wraps a storage on real files and remembers what was written since a file was last synced, and what was removed: the
 * port promises nothing of these. What others write to the same files, SQLite above all, counts as durable.
 *
 * `fileStamp` is a checksum of the content, so that a copied directory has the stamps of its original.
 */
export function createLossyStorage(files: SynchronousFiles): LossyStorage {
  const paths = new Map<FileHandle, string>();
  let changes: UnsyncedChange[] = [];

  const forget = (path: string): void => {
    changes = changes.filter((change) => change.path !== path);
  };
  const pathOf = (file: FileHandle): string => paths.get(file) as string;

  return {
    ...files,
    openFile(path, mode) {
      const before = mode === "replace" || mode === "create" ? contentOf(path) : undefined;
      const file = files.openFile(path, mode);
      if (file === undefined) return undefined;
      paths.set(file, path);
      if (mode === "replace" && before !== undefined) changes.push({ type: "empty", path, before });
      else if (mode !== "read" && mode !== "write" && before === undefined)
        changes.push({ type: "create", path });
      return file;
    },
    writeAt(file, offset, bytes) {
      const sizeBefore = files.fileSize(file);
      const before = files.readAt(file, offset, bytes.length);
      files.writeAt(file, offset, bytes);
      const copy = Uint8Array.from(bytes);
      changes.push({ type: "write", path: pathOf(file), offset, bytes: copy, before, sizeBefore });
    },
    truncateFile(file, size) {
      const sizeBefore = files.fileSize(file);
      const before = files.readAt(file, size, Math.max(0, sizeBefore - size));
      files.truncateFile(file, size);
      changes.push({ type: "truncate", path: pathOf(file), size, sizeBefore, before });
    },
    syncFile(file) {
      files.syncFile(file);
      forget(pathOf(file));
    },
    closeFile(file) {
      paths.delete(file);
      files.closeFile(file);
    },
    fileStamp(path) {
      const content = contentOf(path);
      return content && `${content.length}:${createHash("sha1").update(content).digest("hex")}`;
    },
    replaceWholeFile(path, bytes) {
      files.replaceWholeFile(path, bytes);
      forget(path);
    },
    renameFile(from, to) {
      files.renameFile(from, to);
      forget(to);
      // What was not synced under the old name is not durable under the new one either.
      changes = changes.map((change) => (change.path === from ? { ...change, path: to } : change));
      for (const [file, path] of paths) if (path === from) paths.set(file, to);
    },
    removeFile(path) {
      const before = contentOf(path);
      files.removeFile(path);
      if (before === undefined) return;
      const durable = durableContent(changes, path, before);
      forget(path);
      if (durable !== undefined) changes.push({ type: "remove", path, before: durable });
    },
    pathOf: (file) => paths.get(file),
    get unsynced() {
      return changes.length;
    },
    loseUnsynced(copy, random) {
      const inCopy = changes.map((change) => ({ ...change, path: join(copy, basename(change.path)) }));
      return loseInDirectory(inCopy, random);
    },
  };
}

/** What a file that is removed may come back as: the newest content that was wholly durable, or what it is now. */
function durableContent(
  changes: readonly UnsyncedChange[],
  path: string,
  now: Uint8Array,
): Uint8Array | undefined {
  const first = changes.find((change) => change.path === path);
  if (first === undefined || first.type === "write" || first.type === "truncate") return now;
  return first.type === "create" ? undefined : first.before;
}

function contentOf(path: string): Uint8Array | undefined {
  return existsSync(dirname(path)) && existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
}
