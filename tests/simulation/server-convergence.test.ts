import { runAsync } from "@tributary/core";
import { describeSimulation } from "./describe-simulation.js";
import { createLiveServerHost } from "./live-server-host.js";
import { createServerHost } from "./server-host.js";

describeSimulation(
  { test: "replicas of Tributary's server converge", steps: 30, createHost: createServerHost, run: runAsync },
  { from: 1, count: 60 },
);

describeSimulation(
  {
    test: "replicas of Tributary's server converge over the live protocol",
    steps: 30,
    createHost: createLiveServerHost,
    run: runAsync,
  },
  { from: 1, count: 8 },
);
