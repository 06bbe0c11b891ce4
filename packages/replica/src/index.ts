export type {
  ErrorBlame,
  PushResult,
  RepairOptions,
  RepairReport,
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
export { openReplica, repairReplica } from "./open-replica.js";
export type { Replica, ReplicaStats } from "./replica.js";
export type { OperationOptions, ReplicaOptions } from "./replica-options.js";
export type { ReplicaStatus, ReplicaTransport, TableChanges } from "./replica-status.js";
