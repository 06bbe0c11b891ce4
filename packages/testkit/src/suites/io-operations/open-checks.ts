import { deepEqual, equal } from "node:assert/strict";
import type { FileHandle, OpenMode } from "@tributary/core";
import type { Check } from "../check.js";
import { expectFailure } from "../expect-failure.js";
import { bytesOf, contentOf, makeFile, opened, pathIn, textOf } from "./content.js";
import type { IoOperationsContext } from "./io-operations-context.js";

/** Mode, whether the file is there, and what an open finds in it; `undefined`: it gives no handle. */
const MODES: readonly (readonly [OpenMode, boolean, string | undefined])[] = [
  ["read", false, undefined],
  ["write", false, undefined],
  ["create", false, ""],
  ["replace", false, ""],
  ["read", true, "old"],
  ["write", true, "old"],
  ["create", true, "old"],
  ["replace", true, ""],
];

/** `openFile` and `closeFile`. */
export const openChecks: readonly Check<IoOperationsContext>[] = [
  ...MODES.map(([mode, there, content]) => ({
    name: `opening in mode ${mode} where ${there ? "a file is" : "no file is"}`,
    async run(context: IoOperationsContext) {
      const { files } = context;
      const path = pathIn(context);
      if (there) await makeFile(files, path, "old");
      const file = await files.openFile(path, mode);
      equal(file === undefined, content === undefined, "whether there is a handle");
      if (file !== undefined) {
        equal(textOf(await files.readAt(file, 0, 100)), content, "what the handle reads");
        await files.closeFile(file);
      }
      equal(await contentOf(files, path), content, "the file afterwards");
    },
  })),
  {
    name: "modes write, create and replace write where they are told to, not at the end",
    async run(context) {
      const { files } = context;
      for (const mode of ["write", "create", "replace"] as const) {
        const path = pathIn(context, mode);
        await makeFile(files, path, "0123");
        const file = await opened(files, path, mode);
        await files.writeAt(file, 1, bytesOf("x"));
        await files.closeFile(file);
        equal(await contentOf(files, path), mode === "replace" ? "\0x" : "0x23", `mode ${mode}`);
      }
    },
  },
  {
    name: "a file cannot be made where its directory is missing",
    async run(context) {
      for (const mode of ["create", "replace"] as const) {
        await expectFailure(
          () => context.files.openFile(pathIn(context, "missing/file"), mode),
          `openFile(…, "${mode}")`,
        );
      }
    },
  },
  {
    name: "a handle is of no use once it is closed",
    async run(context) {
      const { files } = context;
      const file = await opened(files, pathIn(context), "create");
      await files.closeFile(file);
      await expectFailure(() => files.readAt(file, 0, 1), "readAt");
      await expectFailure(() => files.writeAt(file, 0, bytesOf("x")), "writeAt");
      await expectFailure(() => files.closeFile(file), "closeFile");
    },
  },
  {
    name: "several handles are open at once, each on its own file",
    async run(context) {
      const { files } = context;
      const names = ["a", "b", "c"];
      const handles: FileHandle[] = [];
      for (const name of names) handles.push(await opened(files, pathIn(context, name), "create"));
      for (const [index, file] of handles.entries()) {
        await files.writeAt(file, 0, bytesOf(`content of ${names[index]}`));
      }
      const [a, b, c] = handles as [FileHandle, FileHandle, FileHandle];
      await files.closeFile(b);
      equal(textOf(await files.readAt(a, 0, 99)), "content of a");
      equal(textOf(await files.readAt(c, 0, 99)), "content of c");
      await files.closeFile(a);
      await files.closeFile(c);
      const contents = [];
      for (const name of names) contents.push(await contentOf(files, pathIn(context, name)));
      deepEqual(contents, ["content of a", "content of b", "content of c"]);
    },
  },
  {
    name: "paths may have spaces, letters of all kinds and signs that URLs use",
    async run(context) {
      const { files } = context;
      for (const name of ["with space", "Zürich-東京", "100%25#?&x=1", "app.db-wal"]) {
        const path = pathIn(context, name);
        await makeFile(files, path, name);
        equal(await contentOf(files, path), name);
      }
    },
  },
];
