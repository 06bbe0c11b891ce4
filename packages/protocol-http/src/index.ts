export type { HttpClock } from "./http-clock.js";
export type { HttpProtocol } from "./http-protocol.js";
export { createHttpProtocol } from "./http-protocol.js";
export type { HttpProtocolOptions, RetryOptions } from "./http-protocol-options.js";
