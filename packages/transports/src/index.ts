export type { DuplexChannelOptions } from "./duplex/duplex-channel.js";
export { createDuplexChannel } from "./duplex/duplex-channel.js";
export type { MemoryChannelOptions } from "./memory/memory-channels.js";
export { createMemoryChannels } from "./memory/memory-channels.js";
export type { ChannelPort } from "./message-port/channel-port.js";
export { createPortChannel } from "./message-port/port-channel.js";
export type {
  EventStreamAcceptor,
  EventStreamAcceptorOptions,
} from "./server-sent-events/event-stream-acceptor.js";
export { createEventStreamAcceptor } from "./server-sent-events/event-stream-acceptor.js";
export type { EventStreamConnectOptions } from "./server-sent-events/event-stream-connect.js";
export { createEventStreamConnect } from "./server-sent-events/event-stream-connect.js";
