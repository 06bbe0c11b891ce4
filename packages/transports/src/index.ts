export { createMemoryChannels } from "./memory/memory-channels.js";
