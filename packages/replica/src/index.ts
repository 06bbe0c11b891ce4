export type {
  ErrorBlame,
  PushResult,
  RowMutation,
  SqlValue,
  SyncErrorCode,
  SyncErrorDetails,
  TransferProgress,
  Transform,
  TransformResult,
} from "@tributary/core";
export { SyncError } from "@tributary/core";
export type { ReplicaDatabase } from "@tributary/sqlite-better-sqlite3";
export { openReplica } from "./open-replica.js";
export type { Replica, ReplicaStats } from "./replica.js";
export type { OperationOptions, ReplicaOptions } from "./replica-options.js";
