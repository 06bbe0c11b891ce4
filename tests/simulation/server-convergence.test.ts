import { runAsync } from "@tributary/core";
import { describeSimulation } from "./describe-simulation.js";
import { createServerHost } from "./server-host.js";

describeSimulation(
  { test: "replicas of Tributary's server converge", steps: 30, createHost: createServerHost, run: runAsync },
  { from: 1, count: 60 },
);
