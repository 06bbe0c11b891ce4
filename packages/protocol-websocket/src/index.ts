export type { ChannelSocket, SocketEventEmitter, SocketEventTarget } from "./channel-socket.js";
export type { ChannelUpgradeListener, ChannelUpgradeOptions } from "./channel-upgrade-listener.js";
export { toChannelUpgradeListener } from "./channel-upgrade-listener.js";
export type { MultiplexOptions, SharedSocket, SocketMultiplexer } from "./multiplex-socket.js";
export { multiplexSocket } from "./multiplex-socket.js";
export type { SocketChannelOptions } from "./to-channel.js";
export { toChannel } from "./to-channel.js";
export type { WebSocketConnectOptions } from "./web-socket-connect.js";
export { createWebSocketConnect } from "./web-socket-connect.js";
