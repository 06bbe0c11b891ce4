import { runSync } from "@tributary/core";
import { createMemoryRemote } from "@tributary/testkit";
import { describeSimulation } from "./describe-simulation.js";

describeSimulation(
  {
    test: "replicas of a remote in memory converge",
    steps: 30,
    createHost() {
      const { restart, ...remote } = createMemoryRemote({ pagesPerBatch: 3 });
      return { ...remote, restart: (forgetRevisions) => restart({ forgetRevisions }) };
    },
    run: runSync,
  },
  800,
);
