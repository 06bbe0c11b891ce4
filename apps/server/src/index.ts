export type { TlsCredentials } from "./serve/tls-files.js";
export type { RunningServer, StartServerOptions } from "./start-server.js";
export { startServer } from "./start-server.js";
