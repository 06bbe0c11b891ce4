export type { RunningServer, StartServerOptions } from "./start-server.js";
export { startServer } from "./start-server.js";
