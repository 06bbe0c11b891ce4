import { runSync } from "@tributary/core";
import { createMemoryRemote } from "@tributary/testkit";
import type { Stage } from "./world.js";

/** Replicas of a remote in memory: the same steps as with the server, several times as fast. */
export const MEMORY_STAGE: Stage = {
  test: "replicas of a remote in memory converge",
  steps: 30,
  createHost() {
    const { restart, ...remote } = createMemoryRemote({ pagesPerBatch: 3 });
    return { ...remote, restart: (forgetRevisions) => restart({ forgetRevisions }) };
  },
  run: runSync,
};
