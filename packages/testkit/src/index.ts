export type { VirtualClock } from "./clock/virtual-clock.js";
export { createVirtualClock } from "./clock/virtual-clock.js";
export type { SeededRandom } from "./random/seeded-random.js";
export { createRandom } from "./random/seeded-random.js";
