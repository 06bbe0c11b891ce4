export { createNodeStorage } from "./create-node-storage.js";
