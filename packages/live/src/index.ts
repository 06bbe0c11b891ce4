export type { LiveClient, LiveClientOptions, LiveClientState, LiveRemote } from "./client/live-client.js";
export { createLiveClient } from "./client/live-client.js";
export type { Connect } from "./connect.js";
export type {
  ChangeStreams,
  LinkInbound,
  LinkOutbound,
  LinkPosition,
  StreamLink,
  StreamLinkOptions,
} from "./link/stream-link.js";
export { linkStreams } from "./link/stream-link.js";
export type { LiveClock, LiveTimer } from "./live-clock.js";
export { systemClock } from "./live-clock.js";
export type { LiveConnection } from "./server/accept-live.js";
export { acceptLive } from "./server/accept-live.js";
export type {
  LiveGrant,
  LiveHost,
  LiveLimits,
  LivePull,
  LivePullRequest,
  ReplicaEndpoint,
} from "./server/live-host.js";
export { LiveRefusal } from "./server/live-host.js";
