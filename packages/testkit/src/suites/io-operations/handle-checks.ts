import { equal } from "node:assert/strict";
import type { Check } from "../check.js";
import { bytesOf, contentOf, expectBytes, makeFile, opened, pathIn, patternOf, textOf } from "./content.js";
import type { IoOperationsContext } from "./io-operations-context.js";

/** What is done with an open file. */
export const handleChecks: readonly Check<IoOperationsContext>[] = [
  {
    name: "readAt gives what is at the offset, less of it at the end, nothing beyond",
    async run(context) {
      const { files } = context;
      await makeFile(files, pathIn(context), "0123456789");
      const file = await opened(files, pathIn(context), "read");
      for (const [offset, length, wanted] of [
        [0, 10, "0123456789"],
        [3, 4, "3456"],
        [8, 4, "89"],
        [10, 4, ""],
        [99, 4, ""],
        [2, 0, ""],
      ] as const) {
        equal(textOf(await files.readAt(file, offset, length)), wanted, `${length} bytes at ${offset}`);
      }
      await files.closeFile(file);
    },
  },
  {
    name: "writeAt overwrites, extends, and leaves zeros in a gap",
    async run(context) {
      const { files } = context;
      const file = await opened(files, pathIn(context), "create");
      await files.writeAt(file, 4, bytesOf("tail"));
      equal(textOf(await files.readAt(file, 0, 99)), "\0\0\0\0tail");
      await files.writeAt(file, 0, bytesOf("head"));
      await files.writeAt(file, 3, bytesOf("XY"));
      await files.writeAt(file, 7, bytesOf("Z!"));
      await files.writeAt(file, 2, new Uint8Array());
      equal(textOf(await files.readAt(file, 0, 99)), "heaXYaiZ!");
      equal(await files.fileSize(file), 9);
      await files.closeFile(file);
    },
  },
  {
    name: "writeAt takes a part of a buffer, which is the caller's again afterwards",
    async run(context) {
      const { files } = context;
      const file = await opened(files, pathIn(context), "create");
      const buffer = bytesOf("--middle--");
      await files.writeAt(file, 0, buffer.subarray(2, 8));
      buffer.fill(0);
      equal(textOf(await files.readAt(file, 0, 99)), "middle");
      await files.closeFile(file);
    },
  },
  {
    name: "bytes that were read stay as they were read",
    async run(context) {
      const { files } = context;
      const file = await opened(files, pathIn(context), "create");
      await files.writeAt(file, 0, bytesOf("first"));
      const read = await files.readAt(file, 0, 5);
      await files.writeAt(file, 0, bytesOf("other"));
      await files.readAt(file, 0, 5);
      equal(textOf(read), "first");
      read.fill(0);
      equal(textOf(await files.readAt(file, 0, 5)), "other", "the reader may write to what it got");
      await files.closeFile(file);
    },
  },
  {
    name: "megabytes pass in one call, at offsets of any kind",
    async run(context) {
      const { files } = context;
      const file = await opened(files, pathIn(context), "create");
      const [first, second] = [patternOf(3_000_001, 5), patternOf(1_048_577, 99)];
      await files.writeAt(file, 0, first);
      await files.writeAt(file, 2_000_003, second);
      const wanted = new Uint8Array(3_048_580);
      wanted.set(first);
      wanted.set(second, 2_000_003);
      equal(await files.fileSize(file), wanted.length);
      expectBytes(await files.readAt(file, 0, wanted.length), wanted, "all of it");
      expectBytes(await files.readAt(file, 1_999_999, 4096), wanted.subarray(1_999_999, 2_004_095), "a part");
      await files.closeFile(file);
      expectBytes(await files.readWholeFile(pathIn(context), wanted.length), wanted, "as a whole");
    },
  },
  {
    name: "fileSize and truncateFile: shorter loses the end, longer adds zeros",
    async run(context) {
      const { files } = context;
      const file = await opened(files, pathIn(context), "create");
      equal(await files.fileSize(file), 0);
      await files.writeAt(file, 0, bytesOf("0123456789"));
      equal(await files.fileSize(file), 10);
      await files.truncateFile(file, 4);
      equal(await files.fileSize(file), 4);
      equal(textOf(await files.readAt(file, 0, 99)), "0123");
      await files.truncateFile(file, 6);
      equal(textOf(await files.readAt(file, 0, 99)), "0123\0\0");
      await files.truncateFile(file, 0);
      equal(await files.fileSize(file), 0);
      await files.closeFile(file);
      equal(await contentOf(files, pathIn(context)), "");
    },
  },
  {
    name: "what was written is there after syncFile, after closeFile, and for another handle",
    async run(context) {
      const { files } = context;
      const path = pathIn(context);
      const writer = await opened(files, path, "create");
      const reader = await opened(files, path, "read");
      await files.writeAt(writer, 0, bytesOf("one"));
      equal(textOf(await files.readAt(reader, 0, 99)), "one", "another handle, at once");
      await files.syncFile(writer);
      await files.writeAt(writer, 3, bytesOf(" two"));
      await files.closeFile(writer);
      equal(textOf(await files.readAt(reader, 0, 99)), "one two", "another handle, after the close");
      await files.syncFile(reader);
      await files.closeFile(reader);
      equal(await contentOf(files, path), "one two", "the file");
    },
  },
];
