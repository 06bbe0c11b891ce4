export type { LibsqlProtocol } from "./create-libsql-protocol.js";
export { createLibsqlProtocol } from "./create-libsql-protocol.js";
export type { LibsqlProtocolOptions } from "./libsql-protocol-options.js";
export type { MirrorFiles } from "./mirror/mirror-files.js";
export { mirrorFiles } from "./mirror/mirror-files.js";
export { FRAMES_PER_REQUEST, type FramesAnswer, LibsqlRemote } from "./remote/libsql-remote.js";
