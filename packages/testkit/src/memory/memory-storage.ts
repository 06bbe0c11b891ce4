import { type FileHandle, type IoOperations, type OpenMode, SyncError } from "@tributary/core";
import type { SeededRandom } from "../random/seeded-random.js";
import { MemoryFile } from "./memory-file.js";

/** Files in memory, all of whose methods answer at once, with a power switch. */
export interface MemoryStorage extends IoOperations {
  openFile(path: string, mode: OpenMode): FileHandle | undefined;
  readAt(file: FileHandle, offset: number, length: number): Uint8Array;
  writeAt(file: FileHandle, offset: number, bytes: Uint8Array): void;
  fileSize(file: FileHandle): number;
  truncateFile(file: FileHandle, size: number): void;
  syncFile(file: FileHandle): void;
  closeFile(file: FileHandle): void;
  readWholeFile(path: string, maxBytes: number): Uint8Array | undefined;
  fileStamp(path: string): string | undefined;
  replaceWholeFile(path: string, bytes: Uint8Array): void;
  renameFile(from: string, to: string): void;
  removeFile(path: string): void;
  /** Paths of all files, sorted. */
  paths(): readonly string[];
  /**
   * Cuts the power: leaves every file as it was last synced, and of what was done since then, drawn for each file, nothing,
   * all, or the first few writes with the last one torn. Files that were made and not synced may be gone, files that were
   * removed may come back. Handles are of no use any more. What is left is durable. Without `random`, all that may be lost
   * is lost.
   */
  crash(random?: SeededRandom): void;
}

/**
 * The file port in memory, with as little durability as the port promises: a crash loses what was not synced.
 * Directories are not made: a path is in one that exists when it has no `/`, or `directories` has what is before the last.
 */
export function createMemoryStorage(directories: readonly string[] = []): MemoryStorage {
  /** What programs see, and what the directories say on the disk. */
  const seen = new Map<string, MemoryFile>();
  let durable = new Map<string, MemoryFile>();
  const open = new Map<FileHandle, MemoryFile>();
  let lastHandle = 0;

  const at = (handle: FileHandle): MemoryFile => {
    const file = open.get(handle);
    if (file === undefined)
      throw new SyncError("internal", `A file that is not open was to be used: ${handle}.`);
    return file;
  };
  const checkDirectory = (path: string): void => {
    const directory = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (directory !== "" && !directories.includes(directory)) throw noSuchFile(directory);
  };
  const make = (path: string): MemoryFile => {
    checkDirectory(path);
    const file = new MemoryFile();
    seen.set(path, file);
    return file;
  };
  /** Name and content of a file are durable together, as on the file systems in use. */
  const settle = (path: string, file: MemoryFile): void => {
    seen.set(path, file);
    durable.set(path, file);
  };

  return {
    openFile(path, mode) {
      const found = seen.get(path);
      if (found === undefined && (mode === "read" || mode === "write")) return undefined;
      const file = found ?? make(path);
      if (mode === "replace" && file.size > 0) file.truncate(0);
      const handle = ++lastHandle as FileHandle;
      open.set(handle, file);
      return handle;
    },
    readAt: (handle, offset, length) => at(handle).read(offset, length),
    writeAt: (handle, offset, bytes) => at(handle).write(offset, bytes),
    fileSize: (handle) => at(handle).size,
    truncateFile: (handle, size) => at(handle).truncate(size),
    syncFile(handle) {
      const file = at(handle);
      file.sync();
      for (const [path, other] of seen) if (other === file) durable.set(path, file);
    },
    closeFile(handle) {
      at(handle);
      open.delete(handle);
    },
    readWholeFile(path, maxBytes) {
      const file = seen.get(path);
      if (file !== undefined && file.size > maxBytes) {
        throw new SyncError("io-failed", `${path} is larger than the ${maxBytes} bytes it may have.`, {
          path,
        });
      }
      return file?.read(0, file.size);
    },
    fileStamp: (path) => seen.get(path)?.stamp,
    replaceWholeFile(path, bytes) {
      checkDirectory(path);
      settle(path, MemoryFile.durable(bytes));
    },
    renameFile(from, to) {
      const file = seen.get(from);
      if (file === undefined) throw noSuchFile(from);
      checkDirectory(to);
      settle(to, file);
      seen.delete(from);
      durable.delete(from);
    },
    removeFile(path) {
      seen.delete(path);
    },
    paths: () => [...seen.keys()].sort(),
    crash(random) {
      const survivors = survivingNames(seen, durable, random);
      seen.clear();
      for (const [path, file] of survivors) {
        file.crash(random);
        seen.set(path, file);
      }
      durable = new Map(seen);
      open.clear();
    },
  };
}

/** Which file each name leads to after a crash: the one of the disk, the one that programs saw, or none where either was none. */
function survivingNames(
  seen: ReadonlyMap<string, MemoryFile>,
  durable: ReadonlyMap<string, MemoryFile>,
  random: SeededRandom | undefined,
): Map<string, MemoryFile> {
  const survivors = new Map<string, MemoryFile>();
  // Sorted, so that the same seed does the same whatever the files were made in.
  for (const path of [...new Set([...seen.keys(), ...durable.keys()])].sort()) {
    const [now, before] = [seen.get(path), durable.get(path)];
    // A file that was removed and made again: the removal may have got through, and the making not.
    const outcomes = now === before ? [before] : [before, undefined, now];
    const file = random === undefined ? before : random.pick(outcomes);
    if (file !== undefined) survivors.set(path, file);
  }
  return survivors;
}

function noSuchFile(path: string): SyncError {
  const cause = Object.assign(new Error(`ENOENT: no such file or directory: ${path}`), { code: "ENOENT" });
  return new SyncError("io-failed", `There is no ${path}.`, { path, cause });
}
