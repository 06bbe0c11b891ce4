import { closeSync, openSync } from "node:fs";
import type { FileHandle, IoOperations } from "@tributary/core";
import { createNodeStorage } from "@tributary/storage-node-fs";
import { createMemoryStorage, type IoOperationsContext, ioOperationsChecks } from "@tributary/testkit";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { type Break, testBreaks } from "./test-breaks.js";

const OFFSETS = "readAt gives what is at the offset, less of it at the end, nothing beyond";
const WRITES = "writeAt overwrites, extends, and leaves zeros in a gap";

async function writeInPlace(files: IoOperations, path: string, bytes: Uint8Array): Promise<void> {
  const file = (await files.openFile(path, "replace")) as FileHandle;
  await files.writeAt(file, 0, bytes);
  await files.syncFile(file);
  await files.closeFile(file);
}

const BREAKS: readonly Break<IoOperations>[] = [
  {
    name: "a write is lost",
    caughtBy: WRITES,
    broken: (good) => ({
      writeAt: (file, offset, bytes) => (offset === 3 ? undefined : good.writeAt(file, offset, bytes)),
    }),
  },
  {
    name: "writes append",
    caughtBy: WRITES,
    broken: (good) => ({
      writeAt: async (file, _offset, bytes) => good.writeAt(file, await good.fileSize(file), bytes),
    }),
  },
  {
    name: "reads are one byte off",
    caughtBy: OFFSETS,
    broken: (good) => ({ readAt: (file, offset, length) => good.readAt(file, offset && offset - 1, length) }),
  },
  {
    name: "a read at the end is filled up with zeros",
    caughtBy: OFFSETS,
    broken: (good) => ({
      readAt: async (file, offset, length) => {
        const bytes = new Uint8Array(length);
        bytes.set(await good.readAt(file, offset, length));
        return bytes;
      },
    }),
  },
  {
    name: "a read gives at most 64 KiB",
    caughtBy: "megabytes pass in one call, at offsets of any kind",
    broken: (good) => ({
      readAt: (file, offset, length) => good.readAt(file, offset, Math.min(length, 65_536)),
    }),
  },
  {
    name: "all reads share one buffer",
    caughtBy: "bytes that were read stay as they were read",
    broken: (good) => {
      const shared = new Uint8Array(65_536);
      return {
        readAt: async (file, offset, length) => {
          const bytes = await good.readAt(file, offset, length);
          shared.set(bytes);
          return shared.subarray(0, bytes.length);
        },
      };
    },
  },
  {
    name: "the whole buffer is written where a part was given",
    caughtBy: "writeAt takes a part of a buffer, which is the caller's again afterwards",
    broken: (good) => ({
      writeAt: (file, offset, bytes) => good.writeAt(file, offset, new Uint8Array(bytes.buffer)),
    }),
  },
  {
    name: "offsets have 32 bits",
    caughtBy: "offsets go beyond 4 GiB",
    broken: (good) => ({ writeAt: (file, offset, bytes) => good.writeAt(file, offset >>> 0, bytes) }),
  },
  {
    name: "create empties the file",
    caughtBy: "opening in mode create where a file is",
    broken: (good) => ({
      openFile: (path, mode) => good.openFile(path, mode === "create" ? "replace" : mode),
    }),
  },
  {
    name: "read makes a file",
    caughtBy: "opening in mode read where no file is",
    broken: (good) => ({ openFile: (path, mode) => good.openFile(path, mode === "read" ? "create" : mode) }),
  },
  {
    name: "truncating never adds",
    caughtBy: "fileSize and truncateFile: shorter loses the end, longer adds zeros",
    broken: (good) => ({
      truncateFile: async (file, size) => good.truncateFile(file, Math.min(size, await good.fileSize(file))),
    }),
  },
  {
    name: "a handle outlives its close",
    caughtBy: "a handle is of no use once it is closed",
    broken: () => ({ closeFile: () => {} }),
  },
  {
    name: "maxBytes is not heeded",
    caughtBy: "readWholeFile gives all, up to maxBytes",
    broken: (good) => ({ readWholeFile: (path) => good.readWholeFile(path, 1 << 20) }),
  },
  {
    name: "replacing is writing in place",
    caughtBy: "replaceWholeFile makes the new content beside the old one",
    broken: (good) => ({ replaceWholeFile: (path, bytes) => writeInPlace(good, path, bytes) }),
  },
  {
    name: "replacing takes several turns, with half a file between",
    caughtBy: "while replaceWholeFile works, the path holds the old content or all of the new",
    broken: (good) => ({ replaceWholeFile: (path, bytes) => writeInPlace(good, path, bytes) }),
  },
  {
    name: "renaming copies",
    caughtBy: "renameFile moves a file, over another one too",
    broken: (good) => ({
      renameFile: async (from, to) =>
        good.replaceWholeFile(to, (await good.readWholeFile(from, 1 << 20)) ?? new Uint8Array()),
    }),
  },
  {
    name: "removing what is not there fails",
    caughtBy: "removeFile removes a file, and does nothing where none is",
    broken: (good) => ({
      removeFile: async (path) => {
        if ((await good.fileStamp(path)) === undefined) throw new Error("ENOENT");
        await good.removeFile(path);
      },
    }),
  },
  {
    name: "the stamp is the size",
    caughtBy: "fileStamp is another one whenever the content may be",
    broken: (good) => ({ fileStamp: async (path) => (await good.fileStamp(path))?.split(":")[0] }),
  },
  {
    name: "the stamp opens the file, and drops SQLite's locks",
    caughtBy: "SQLite's locks on a database survive what the engine does with its file",
    broken: (good) => ({
      fileStamp: (path) => {
        closeSync(openSync(path, "r"));
        return good.fileStamp(path);
      },
    }),
  },
];

testBreaks<IoOperations, IoOperationsContext>(
  "the suite of IoOperations fails where",
  ioOperationsChecks({ onDisk: true }),
  BREAKS,
  (wrap) => () => ({ files: wrap(createNodeStorage()), directory: temporaryDirectory() }),
);

const NOT_DURABLE: readonly Break<IoOperations>[] = [
  {
    name: "syncFile does nothing",
    caughtBy: "after a power cut, what was synced is there",
    broken: () => ({ syncFile: () => {} }),
  },
  {
    name: "a change of size is not synced",
    caughtBy: "after a power cut, a truncation that was synced holds",
    broken: (good) => ({
      truncateFile: async (file, size) => {
        await good.syncFile(file);
        await good.truncateFile(file, size);
      },
      syncFile: () => {},
    }),
  },
  {
    name: "replacing is not durable",
    caughtBy: "after a power cut, what replaceWholeFile wrote is there",
    broken: (good) => ({
      replaceWholeFile: async (path, bytes) => {
        const file = (await good.openFile(path, "replace")) as FileHandle;
        await good.writeAt(file, 0, bytes);
        await good.closeFile(file);
      },
    }),
  },
  {
    name: "renaming is not durable",
    caughtBy: "after a power cut, a renamed file has its new name and its synced content",
    broken: (good) => ({
      renameFile: async (from, to) => {
        const file = (await good.openFile(to, "replace")) as FileHandle;
        await good.writeAt(file, 0, (await good.readWholeFile(from, 1 << 20)) ?? new Uint8Array());
        await good.closeFile(file);
        await good.removeFile(from);
      },
    }),
  },
];

testBreaks<IoOperations, IoOperationsContext>(
  "after a power cut, the suite of IoOperations fails where",
  ioOperationsChecks({ canCrash: true }),
  NOT_DURABLE,
  (wrap) => () => {
    const files = createMemoryStorage(["directory"]);
    return { files: wrap(files), directory: "directory", crash: () => files.crash() };
  },
);
