export { toNodeListener } from "./node-listener.js";
export type { ServerClock, ServerTimer } from "./server-clock.js";
export { systemClock } from "./server-clock.js";
export type { ServerErrorCode } from "./server-error.js";
export { ServerError } from "./server-error.js";
export type { SyncServer } from "./sync-server.js";
export { createSyncServer } from "./sync-server.js";
export type { SyncServerOptions } from "./sync-server-options.js";
