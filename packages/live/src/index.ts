export type { ChannelInboxOptions } from "./channel-inbox.js";
export { ChannelInbox, weightOf } from "./channel-inbox.js";
export type { BackoffOptions } from "./client/backoff.js";
export { Backoff } from "./client/backoff.js";
export type { LiveClient, LiveClientOptions, LiveClientState, LiveRemote } from "./client/live-client.js";
export { createLiveClient } from "./client/live-client.js";
export type { Connect } from "./connect.js";
export type { ConnectUrl } from "./connect-url.js";
export { parseConnectUrl, resolveConnectUrl } from "./connect-url.js";
export type { ChangeStreams, LinkInbound, LinkOutbound, StreamPosition } from "./link/change-streams.js";
export type { KeepLinkedOptions, KeptLink, KeptLinkStatus } from "./link/keep-linked.js";
export { keepLinked } from "./link/keep-linked.js";
export type { LinkPosition, StreamLink, StreamLinkOptions } from "./link/stream-link.js";
export { linkStreams } from "./link/stream-link.js";
export type { LiveClock, LiveTimer } from "./live-clock.js";
export { systemClock } from "./live-clock.js";
export { refusedConnect } from "./refused-connect.js";
export type { LiveConnection } from "./server/accept-live.js";
export { acceptLive } from "./server/accept-live.js";
export { Cancellation } from "./server/cancellation.js";
export type {
  EndSignal,
  LiveGrant,
  LiveHost,
  LiveLimits,
  LivePull,
  LivePullRequest,
  ReplicaEndpoint,
} from "./server/live-host.js";
export { LiveRefusal } from "./server/live-host.js";
