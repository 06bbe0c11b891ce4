import { equal, notEqual, ok } from "node:assert/strict";
import type { IoOperations } from "@tributary/core";
import type { Check } from "../check.js";
import { expectFailure } from "../expect-failure.js";
import { bytesOf, contentOf, expectBytes, makeFile, opened, pathIn, patternOf, textOf } from "./content.js";
import type { IoOperationsContext } from "./io-operations-context.js";

/** What is done by path. */
export const wholeFileChecks: readonly Check<IoOperationsContext>[] = [
  {
    name: "readWholeFile gives all, up to maxBytes",
    async run(context) {
      const { files } = context;
      const path = pathIn(context);
      equal(await files.readWholeFile(path, 100), undefined, "no file");
      await makeFile(files, path, "");
      equal((await files.readWholeFile(path, 0))?.length, 0, "an empty file");
      await makeFile(files, path, "12345");
      equal(textOf(await files.readWholeFile(path, 5)), "12345", "as many bytes as it may have");
      await expectFailure(() => files.readWholeFile(path, 4), "readWholeFile of more than maxBytes");
    },
  },
  {
    name: "replaceWholeFile makes a file, or replaces all of one",
    async run(context) {
      const { files } = context;
      const path = pathIn(context);
      for (const text of ["first", "the second is longer", "3", ""]) {
        await files.replaceWholeFile(path, bytesOf(text));
        equal(await contentOf(files, path), text);
      }
      const buffer = bytesOf("--part--");
      await files.replaceWholeFile(path, buffer.subarray(2, 6));
      buffer.fill(0);
      equal(await contentOf(files, path), "part", "a part of a buffer, which is the caller's again");
    },
  },
  {
    name: "while replaceWholeFile works, the path holds the old content or all of the new",
    async run(context) {
      const { files } = context;
      const path = pathIn(context);
      const [old, fresh] = [patternOf(2_000_000, 1), patternOf(1_500_000, 2)];
      await files.replaceWholeFile(path, old);
      let done = false;
      const replaced = Promise.resolve(files.replaceWholeFile(path, fresh)).finally(() => {
        done = true;
      });
      try {
        do {
          const found = await files.readWholeFile(path, 4_000_000);
          expectBytes(found, found?.length === old.length ? old : fresh, "what a reader finds");
        } while (!done);
      } finally {
        await replaced;
      }
      expectBytes(await files.readWholeFile(path, 4_000_000), fresh, "in the end");
    },
  },
  {
    name: "replaceWholeFile that fails leaves nothing behind",
    async run(context) {
      const { files } = context;
      const path = pathIn(context, "missing/file");
      await expectFailure(() => files.replaceWholeFile(path, bytesOf("x")), "replaceWholeFile");
      equal(await files.fileStamp(path), undefined);
    },
  },
  {
    name: "renameFile moves a file, over another one too",
    async run(context) {
      const { files } = context;
      const [from, to] = [pathIn(context, "from"), pathIn(context, "to")];
      await makeFile(files, from, "one");
      await files.renameFile(from, to);
      equal(await contentOf(files, from), undefined);
      equal(await contentOf(files, to), "one");
      await makeFile(files, from, "other");
      await files.renameFile(from, to);
      equal(await contentOf(files, from), undefined);
      equal(await contentOf(files, to), "other");
      await expectFailure(() => files.renameFile(from, to), "renameFile of a file that is not there");
      equal(await contentOf(files, to), "other", "after a rename that failed");
    },
  },
  {
    name: "removeFile removes a file, and does nothing where none is",
    async run(context) {
      const { files } = context;
      const [path, other] = [pathIn(context), pathIn(context, "file-wal")];
      await files.removeFile(path);
      await makeFile(files, path, "x");
      await makeFile(files, other, "kept");
      await files.removeFile(path);
      equal(await files.openFile(path, "read"), undefined);
      equal(await files.readWholeFile(path, 10), undefined);
      equal(await contentOf(files, other), "kept", "another file");
      await files.removeFile(path);
      const file = await opened(files, path, "create");
      equal(await files.fileSize(file), 0, "a file made anew");
      await files.closeFile(file);
    },
  },
  {
    name: "fileStamp is another one whenever the content may be",
    async run(context) {
      const { files } = context;
      const path = pathIn(context);
      equal(await files.fileStamp(path), undefined, "no file");
      await makeFile(files, path, "aaaa");
      let last = await stampOf(files, path);
      equal(await files.fileStamp(path), last, "asked twice");
      await files.readWholeFile(path, 10);
      equal(await files.fileStamp(path), last, "after reading");
      const file = await opened(files, path, "write");
      const changes: readonly (readonly [string, () => unknown])[] = [
        ["other bytes at an offset", () => files.writeAt(file, 1, bytesOf("b"))],
        ["more bytes", () => files.writeAt(file, 4, bytesOf("c"))],
        ["fewer bytes", () => files.truncateFile(file, 3)],
        ["other content of the same size", () => files.replaceWholeFile(path, bytesOf("new"))],
        ["another file of the same size", () => renamed(files, path, "odd")],
      ];
      for (const [what, change] of changes) {
        await untilClockTicks(files, `${path}-probe`);
        await change();
        const stamp = await stampOf(files, path);
        notEqual(stamp, last, what);
        last = stamp;
      }
      await files.closeFile(file);
      await files.removeFile(path);
      equal(await files.fileStamp(path), undefined, "a file that was removed");
    },
  },
];

async function stampOf(files: IoOperations, path: string): Promise<string> {
  const stamp = await files.fileStamp(path);
  ok(typeof stamp === "string", "the stamp of a file is a text");
  return stamp;
}

async function renamed(files: IoOperations, path: string, text: string): Promise<void> {
  await makeFile(files, `${path}-other`, text);
  await files.renameFile(`${path}-other`, path);
}

/** Most writes before the stamp of a file has to change. */
const MOST_WRITES = 100_000;

/** A stamp may be a time of the last change: then what is told apart has to be one tick of the file system's clock apart. */
async function untilClockTicks(files: IoOperations, path: string): Promise<void> {
  const file = await opened(files, path, "replace");
  await files.writeAt(file, 0, bytesOf("0"));
  const first = await files.fileStamp(path);
  let writes = 1;
  while ((await files.fileStamp(path)) === first) {
    ok(writes < MOST_WRITES, "the stamp changes when a file is written to");
    await files.writeAt(file, 0, bytesOf(String(writes++ % 10)));
  }
  await files.closeFile(file);
}
