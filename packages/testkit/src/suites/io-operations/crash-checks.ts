import { equal, ok } from "node:assert/strict";
import type { Check } from "../check.js";
import { bytesOf, contentOf, makeFile, opened, pathIn } from "./content.js";
import type { IoOperationsContext } from "./io-operations-context.js";

/** What a power cut leaves. */
export const crashChecks: readonly Check<IoOperationsContext>[] = [
  {
    name: "after a power cut, what was synced is there",
    async run(context) {
      const { files } = context;
      const file = await opened(files, pathIn(context), "create");
      await files.writeAt(file, 0, bytesOf("synced"));
      await files.syncFile(file);
      await crash(context);
      equal(await contentOf(files, pathIn(context)), "synced");
    },
  },
  {
    name: "after a power cut, a truncation that was synced holds",
    async run(context) {
      const { files } = context;
      await makeFile(files, pathIn(context), "0123456789");
      const file = await opened(files, pathIn(context), "write");
      await files.truncateFile(file, 4);
      await files.syncFile(file);
      await crash(context);
      equal(await contentOf(files, pathIn(context)), "0123");
    },
  },
  {
    name: "after a power cut, what replaceWholeFile wrote is there",
    async run(context) {
      const { files } = context;
      const path = pathIn(context);
      await files.replaceWholeFile(path, bytesOf("made"));
      await crash(context);
      equal(await contentOf(files, path), "made");
      await files.replaceWholeFile(path, bytesOf("replaced"));
      await crash(context);
      equal(await contentOf(files, path), "replaced");
    },
  },
  {
    name: "after a power cut, a renamed file has its new name and its synced content",
    async run(context) {
      const { files } = context;
      const [from, to] = [pathIn(context, "from"), pathIn(context, "to")];
      await makeFile(files, from, "new");
      await makeFile(files, to, "old");
      await files.renameFile(from, to);
      await crash(context);
      equal(await contentOf(files, to), "new");
      equal(await contentOf(files, from), undefined);
    },
  },
];

async function crash(context: IoOperationsContext): Promise<void> {
  ok(context.crash !== undefined, "with canCrash, the set-up gives crash");
  await context.crash();
}
