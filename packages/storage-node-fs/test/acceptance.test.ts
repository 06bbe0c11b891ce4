import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeIoOperations } from "@tributary/testkit";
import { createNodeStorage } from "../src/index.js";

describeIoOperations(
  "node:fs",
  () => {
    const directory = mkdtempSync(join(tmpdir(), "tributary-storage-"));
    return {
      files: createNodeStorage(),
      directory,
      cleanUp: () => rmSync(directory, { recursive: true, force: true }),
    };
  },
  { onDisk: true },
);
