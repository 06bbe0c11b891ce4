export type {
  AppliedPackage,
  InboundStreamOptions,
  OutboundPackage,
  OutboundStreamOptions,
  PackagePayload,
  StreamConflict,
  StreamPeer,
  StreamRetention,
} from "@tributary/core";
export { SyncError } from "@tributary/core";
export type { CapturedDatabase } from "./captured-database.js";
export type { CapturedDatabaseOptions } from "./captured-database-options.js";
export { createChangeStreams } from "./create-change-streams.js";
export type { ChangeStreamsParts, DatabaseStreams } from "./database-streams.js";
export type { HubGrant, HubLink, HubRequest, StreamHubOptions } from "./hub/hub-options.js";
export type { JoinHubOptions } from "./hub/join-hub.js";
export { joinHub } from "./hub/join-hub.js";
export type { StreamHub } from "./hub/stream-hub.js";
export { createStreamHub } from "./hub/stream-hub.js";
export { openCapturedDatabase } from "./open-captured-database.js";
export type { StreamSql } from "./sql/stream-sql.js";
export { addStreamSql } from "./sql/stream-sql.js";
export type { StreamClock } from "./stream-clock.js";
