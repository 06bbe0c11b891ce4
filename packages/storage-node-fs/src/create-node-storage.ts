import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { type FileHandle, type IoOperations, type OpenMode, SyncError } from "@tributary/core";
import { syncDirectoryOf } from "./sync-directory.js";
import { errnoOf, toIoError } from "./to-io-error.js";

/** What `open` is told for each mode. `create` must neither empty a file nor append to it. */
const FLAGS: Readonly<Record<OpenMode, readonly string[]>> = {
  read: ["r"],
  write: ["r+"],
  create: ["r+", "wx+"],
  replace: ["w+"],
};

/**
 * The file port on `node:fs`.
 *
 * Every method answers at once, on purpose: between the publish of remote pages and the replay of local changes no other
 * code of the process may run, so that part of an apply has to be one turn of the event loop. The calls are few and
 * large (about 1 MiB), so the loop is blocked for as long as the disk needs and no longer.
 *
 * A file is opened by one descriptor per handle, which is closed by `closeFile` and by nothing else.
 */
export function createNodeStorage(): NodeStorage {
  const open = new Map<FileHandle, string>();

  const run = <T>(file: FileHandle, action: string, work: (descriptor: number) => T): T => {
    const path = open.get(file);
    if (path === undefined) {
      throw new SyncError(
        "internal",
        `A file that is not open was to be used: handle ${file}, to ${action}.`,
      );
    }
    return atPath(path, action, () => work(file));
  };

  return {
    openFile(path, mode) {
      return atPath(path, "open", () => {
        const descriptor = openDescriptor(path, mode);
        if (descriptor === undefined) return undefined;
        open.set(descriptor as FileHandle, path);
        return descriptor as FileHandle;
      });
    },
    readAt(file, offset, length) {
      return run(file, "read", (descriptor) => readFully(descriptor, offset, length));
    },
    writeAt(file, offset, bytes) {
      run(file, "write", (descriptor) => writeFully(descriptor, offset, bytes));
    },
    fileSize(file) {
      return run(file, "read the size of", (descriptor) => fstatSync(descriptor).size);
    },
    truncateFile(file, size) {
      run(file, "truncate", (descriptor) => ftruncateSync(descriptor, size));
    },
    syncFile(file) {
      run(file, "sync", fsyncSync);
    },
    closeFile(file) {
      run(file, "close", (descriptor) => {
        // Forgotten first: after a failed close the descriptor is gone all the same, and its number may be given anew.
        open.delete(file);
        closeSync(descriptor);
      });
    },
    readWholeFile(path, maxBytes) {
      return atPath(path, "read", () => {
        const descriptor = openDescriptor(path, "read");
        if (descriptor === undefined) return undefined;
        try {
          const bytes = readFully(descriptor, 0, Math.min(fstatSync(descriptor).size, maxBytes) + 1);
          if (bytes.length <= maxBytes) return bytes;
        } finally {
          closeSync(descriptor);
        }
        throw new SyncError("io-failed", `${path} is larger than the ${maxBytes} bytes it may have.`, {
          path,
        });
      });
    },
    fileStamp(path) {
      return atPath(path, "look at", () => {
        const found = statSync(path, { bigint: true, throwIfNoEntry: false });
        return found && `${found.size}:${found.mtimeNs}`;
      });
    },
    replaceWholeFile(path, bytes) {
      atPath(path, "replace", () => {
        // In the same directory, because a rename is atomic only within a file system.
        const temporary = `${path}.tmp`;
        const descriptor = openSync(temporary, "w");
        try {
          writeFully(descriptor, 0, bytes);
          fsyncSync(descriptor);
        } finally {
          closeSync(descriptor);
        }
        renameSync(temporary, path);
        syncDirectoryOf(path);
      });
    },
    renameFile(from, to) {
      atPath(to, "replace", () => {
        renameSync(from, to);
        syncDirectoryOf(to);
      });
    },
    removeFile(path) {
      atPath(path, "remove", () => {
        try {
          unlinkSync(path);
        } catch (error) {
          if (errnoOf(error) !== "ENOENT") throw error;
        }
      });
    },
  };
}

/** {@link IoOperations} that all answer at once. */
export interface NodeStorage extends IoOperations {
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
}

/** `undefined` when the file does not exist and the mode wants one that does. */
function openDescriptor(path: string, mode: OpenMode): number | undefined {
  for (const flags of FLAGS[mode]) {
    try {
      return openSync(path, flags);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      // The directory may be what does not exist; a mode that makes files has to say so.
      if (flags.startsWith("w")) throw error;
    }
  }
  return undefined;
}

function readFully(descriptor: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, bytes, done, length - done, offset + done);
    if (count === 0) return bytes.subarray(0, done);
    done += count;
  }
  return bytes;
}

function writeFully(descriptor: number, offset: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
  }
}

function atPath<T>(path: string, action: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toIoError(error, path, action);
  }
}
