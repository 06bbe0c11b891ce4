import { describeSimulation } from "./describe-simulation.js";
import { MEMORY_STAGE } from "./memory-stage.js";

// In two files, so that they run on two cores.
describeSimulation(MEMORY_STAGE, { from: 1, count: 700 });
