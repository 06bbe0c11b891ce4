import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { FileHandle, IoOperations } from "@tributary/core";

type NodeHandle = Awaited<ReturnType<typeof open>>;

/** The file port on `node:fs/promises`: all of it answers later. */
export function createAsyncStorage(): IoOperations {
  const handles = new Map<FileHandle, NodeHandle>();
  let last = 0;

  const at = (file: FileHandle): NodeHandle => {
    const handle = handles.get(file);
    if (handle === undefined) throw new Error(`Handle ${file} is not open.`);
    return handle;
  };

  return {
    async openFile(path, mode) {
      const handle =
        mode === "replace"
          ? await open(path, "w+")
          : ((await orUndefined(open(path, mode === "read" ? "r" : "r+"))) ??
            (mode === "create" ? await open(path, "wx+") : undefined));
      if (handle === undefined) return undefined;
      const file = ++last as FileHandle;
      handles.set(file, handle);
      return file;
    },
    readAt: async (file, offset, length) => readFully(at(file), offset, length),
    writeAt: async (file, offset, bytes) => writeFully(at(file), offset, bytes),
    fileSize: async (file) => (await at(file).stat()).size,
    truncateFile: async (file, size) => at(file).truncate(size),
    syncFile: async (file) => at(file).sync(),
    async closeFile(file) {
      const handle = at(file);
      handles.delete(file);
      await handle.close();
    },
    async readWholeFile(path, maxBytes) {
      const found = await orUndefined(stat(path));
      if (found === undefined) return undefined;
      if (found.size > maxBytes) throw new Error(`${path} is larger than ${maxBytes} bytes.`);
      return await readFile(path);
    },
    async fileStamp(path) {
      const found = await orUndefined(stat(path, { bigint: true }));
      return found && `${found.size}:${found.mtimeNs}`;
    },
    async replaceWholeFile(path, bytes) {
      const handle = await open(`${path}.tmp`, "w");
      try {
        await writeFully(handle, 0, bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${path}.tmp`, path);
      await syncDirectoryOf(path);
    },
    async renameFile(from, to) {
      await rename(from, to);
      await syncDirectoryOf(to);
    },
    removeFile: (path) => rm(path, { force: true }),
  };
}

async function readFully(handle: NodeHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

async function writeFully(handle: NodeHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** A rename is in the directory, which has to be synced like a file. */
async function syncDirectoryOf(path: string): Promise<void> {
  const handle = await open(dirname(path), "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `undefined` where the file does not exist; every other failure goes on. */
async function orUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}
