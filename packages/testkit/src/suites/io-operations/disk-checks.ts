import { equal } from "node:assert/strict";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import Database from "better-sqlite3";
import type { Check } from "../check.js";
import { expectFailure } from "../expect-failure.js";
import { runInOtherProcess } from "../other-process.js";
import { bytesOf, makeFile, opened, pathIn, textOf } from "./content.js";
import type { IoOperationsContext } from "./io-operations-context.js";

/** Beyond what 32 bits can say. */
const FAR = 5 * 2 ** 30;

/** For paths in a file system that others see too. */
export const diskChecks: readonly Check<IoOperationsContext>[] = [
  {
    name: "the paths are those of the file system",
    async run(context) {
      await makeFile(context.files, pathIn(context), "content");
      equal(readFileSync(pathIn(context), "utf8"), "content");
    },
  },
  {
    name: "offsets go beyond 4 GiB",
    async run(context) {
      const { files } = context;
      const file = await opened(files, pathIn(context), "create");
      await files.writeAt(file, 0, bytesOf("near"));
      await files.writeAt(file, FAR, bytesOf("far"));
      equal(await files.fileSize(file), FAR + 3);
      equal(textOf(await files.readAt(file, FAR, 9)), "far");
      equal(textOf(await files.readAt(file, 0, 4)), "near");
      await files.truncateFile(file, FAR + 1);
      equal(await files.fileSize(file), FAR + 1);
      await files.closeFile(file);
      await expectFailure(() => files.readWholeFile(pathIn(context), 1000), "readWholeFile of 5 GiB");
    },
  },
  {
    name: "replaceWholeFile makes the new content beside the old one",
    async run(context) {
      const { files } = context;
      const path = pathIn(context);
      await files.replaceWholeFile(path, bytesOf("the old content"));
      const descriptor = openSync(path, "r");
      try {
        await files.replaceWholeFile(path, bytesOf("new"));
        const bytes = new Uint8Array(100);
        const count = readSync(descriptor, bytes, 0, bytes.length, 0);
        equal(textOf(bytes.subarray(0, count)), "the old content", "who has the old file open keeps it");
      } finally {
        closeSync(descriptor);
      }
      equal(readFileSync(path, "utf8"), "new");
    },
  },
  {
    name: "SQLite's locks on a database survive what the engine does with its file",
    async run(context) {
      const { files } = context;
      const path = pathIn(context, "locked.db");
      const db = new Database(path);
      try {
        db.exec("CREATE TABLE t (a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
        equal(await canBeLocked(path), false, "before");
        const file = await opened(files, path, "write");
        await files.readAt(file, 0, 100);
        await files.fileSize(file);
        await files.syncFile(file);
        await files.fileStamp(path);
        equal(await canBeLocked(path), false, "after opening, reading, syncing and looking at it");
        db.exec("ROLLBACK");
        equal(await canBeLocked(path), true, "once SQLite has let go of them");
        await files.closeFile(file);
      } finally {
        db.close();
      }
    },
  },
];

/** Asked of another process: within one, SQLite keeps its own books and does not see that a lock is gone. */
async function canBeLocked(path: string): Promise<boolean> {
  try {
    const end = await runInOtherProcess(path, "BEGIN IMMEDIATE");
    await end();
    return true;
  } catch {
    return false;
  }
}
