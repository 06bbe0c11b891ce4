export type { CaptureTrigger, CaptureTriggerOptions } from "./capture/capture-triggers.js";
export {
  captureTriggers,
  createNotedSql,
  mayDisplace,
  NOTED_FIXED_COLUMNS,
  NOTED_TABLE,
  refusalTriggers,
} from "./capture/capture-triggers.js";
export type { CapturedTable, RefusedTable, UniqueIndex, UniqueTerm } from "./capture/captured-table.js";
export {
  DEPTH_FUNCTION,
  ENTER_FUNCTION,
  LEAVE_FUNCTION,
  markTrigger,
  STATEMENT_FUNCTION,
  unmarkTrigger,
} from "./capture/mark-trigger.js";
export type { TableShapes } from "./capture/read-table-shapes.js";
export {
  isBookkeepingTable,
  readTableShapes,
  TABLE_COLUMNS_SQL,
  UNIQUE_INDEXES_SQL,
} from "./capture/read-table-shapes.js";
export { schemaChanges } from "./capture/schema-changes.js";
export type { SchemaRow } from "./capture/schema-row.js";
export { foldName, readSchemaRows, SCHEMA_SQL, sameName } from "./capture/schema-row.js";
export type { ShapeKey, TableShape } from "./capture/table-shape.js";
export { imageColumns, imageWidth } from "./capture/table-shape.js";
export type { TriggerEffects } from "./capture/trigger-effects.js";
export { triggerEffects } from "./capture/trigger-effects.js";
export type { Coroutine, IoRequest } from "./coroutine/coroutine.js";
export type { IoCalls } from "./coroutine/io.js";
export { io } from "./coroutine/io.js";
export type { AbortSignalLike } from "./coroutine/run-async.js";
export { runAsync } from "./coroutine/run-async.js";
export { runSync } from "./coroutine/run-sync.js";
export { applyChanges, resumeApply } from "./engine/apply-changes.js";
export { allTables, changedTables } from "./engine/changed-tables.js";
export { checkpoint } from "./engine/checkpoint.js";
export { closeReplica } from "./engine/close-replica.js";
export { openReplica } from "./engine/open-replica.js";
export type { PushResult } from "./engine/push-changes.js";
export { pushChanges } from "./engine/push-changes.js";
export { CREATE_POSITION_TABLE, SET_POSITION } from "./engine/remote-mark.js";
export type { RepairOptions, RepairReport } from "./engine/repair-replica.js";
export { repairReplica } from "./engine/repair-replica.js";
export type { ReplicaConfig, TransferProgress } from "./engine/replica-config.js";
export type { ReplicaSession, TapeProgress } from "./engine/replica-session.js";
export { replicaFiles } from "./engine/replica-session.js";
export type { ReplicaStats } from "./engine/stats.js";
export { stats } from "./engine/stats.js";
export type { TapePositions } from "./engine/tape-positions.js";
export { tapePositions } from "./engine/tape-positions.js";
export type { PulledChanges } from "./engine/wait-changes.js";
export { waitChanges } from "./engine/wait-changes.js";
export type { ErrorBlame, SyncErrorCode, SyncErrorDetails, SyncErrorOptions } from "./errors/sync-error.js";
export { ERROR_BLAME, SyncError } from "./errors/sync-error.js";
export type { ReplicaMetadata } from "./metadata/replica-metadata.js";
export { FrameIndex } from "./pages/frame-index.js";
export { openWalReplicaPages } from "./pages/wal-replica-pages.js";
export type { Channel, ChannelEvents, SendOutcome } from "./ports/channel.js";
export type { Clock } from "./ports/clock.js";
export type { EngineIo, HostPorts } from "./ports/engine-io.js";
export { combinePorts } from "./ports/engine-io.js";
export type { FileHandle, IoOperations, OpenMode } from "./ports/io-operations.js";
export type { MaybePromise } from "./ports/maybe-promise.js";
export type {
  PageBatch,
  PageRange,
  ProtocolIo,
  PullHandle,
  PullHeader,
  PullRequest,
  RemoteBatch,
  RemoteStep,
  RemoteStepResult,
  StepCondition,
} from "./ports/protocol-io.js";
export type {
  PageImages,
  PublishPlan,
  ReplicaPages,
  SyncedHeader,
  SyncedPages,
  WalPosition,
} from "./ports/replica-pages.js";
export type { SqlConnection, SqlFailure, SqlIo } from "./ports/sql-io.js";
export { stepRuns } from "./ports/step-runs.js";
export type { ReplayTarget } from "./replay/change-to-statement.js";
export { changeToStatement } from "./replay/change-to-statement.js";
export type { RowMutation, Transform, TransformResult } from "./replay/transform.js";
export type { CompareImagesOptions } from "./row-diff/compare-images.js";
export { compareImages } from "./row-diff/compare-images.js";
export type { DatabaseImage } from "./row-diff/database-image.js";
export type { ImageDifference, ImageSchema, TableDifference } from "./row-diff/image-difference.js";
export { ImageDamage } from "./row-diff/image-difference.js";
export type { ScratchSql } from "./row-diff/scratch-sql.js";
export { findShadowTables } from "./row-diff/shadow-tables.js";
export type { Renamed, TableAlteration } from "./schema/table-alterations.js";
export { alterationSql, findAlterations } from "./schema/table-alterations.js";
export type { ColumnDefinition, TableDefinition } from "./schema/table-definition.js";
export { parseTableDefinition } from "./schema/table-definition.js";
export type {
  ExplainStatement,
  PlainStatementClass,
  PragmaStatement,
  SchemaStatement,
  StatementClass,
  TransactionStatement,
  WriteStatement,
} from "./sql/classify-statement.js";
export { classifyStatement } from "./sql/classify-statement.js";
export type { RowInsert } from "./sql/parse-row-insert.js";
export { parseRowInsert } from "./sql/parse-row-insert.js";
export { quoteIdentifier } from "./sql/quote-identifier.js";
export { splitStatements } from "./sql/split-statements.js";
export { StatementCache } from "./sql/statement-cache.js";
export type { SqlToken, SqlTokenType } from "./sql/tokenize-sql.js";
export { isOperator, keywordOf, nameOf, tokenizeSql } from "./sql/tokenize-sql.js";
export type { DatabaseHeader } from "./sqlite-format/database-header.js";
export {
  DATABASE_HEADER_SIZE,
  LOCK_BYTE_PAGE,
  parseDatabaseHeader,
} from "./sqlite-format/database-header.js";
export type { ReadPage } from "./sqlite-format/page-source.js";
export { TablePages } from "./sqlite-format/table-pages.js";
export { WalChecksum } from "./sqlite-format/wal-checksum.js";
export { FRAME_HEADER_SIZE, FRAME_SIZE, frameOffset, sealFrame } from "./sqlite-format/wal-frame.js";
export type { WalHeader, WalHeaderFields } from "./sqlite-format/wal-header.js";
export { formatWalHeader, parseWalHeader, sameSalts, WAL_HEADER_SIZE } from "./sqlite-format/wal-header.js";
export type { WalCommit, WalCommitPoint } from "./sqlite-format/wal-scanner.js";
export { endsCommit, WalScanner } from "./sqlite-format/wal-scanner.js";
export type {
  ChangeGroup,
  ChangePackage,
  SnapshotPart,
  StreamChange,
} from "./streams/change-package.js";
export { InboundStream } from "./streams/inbound-stream.js";
export type { CaptureSettings } from "./streams/open-capture.js";
export { closeCapture, openCapture } from "./streams/open-capture.js";
export type { OutboundPosition } from "./streams/outbound-stream.js";
export { OutboundStream } from "./streams/outbound-stream.js";
export { decodeChangePackage, encodeChangePackage } from "./streams/package-binary.js";
export { parseChangePackage, stringifyChangePackage } from "./streams/package-json.js";
export { schemaHashOf } from "./streams/schema-hash.js";
export type { SqlReader, StreamHost } from "./streams/stream-host.js";
export type {
  AppliedPackage,
  InboundStreamOptions,
  OutboundPackage,
  OutboundStreamOptions,
  PackagePayload,
  StreamConflict,
  StreamPeer,
  StreamRetention,
} from "./streams/stream-options.js";
export { forgetPeer, listPeers } from "./streams/stream-peers.js";
export { CREATE_STREAM_TABLES, STREAM_TABLES, STREAM_VALUE } from "./streams/stream-schema.js";
export { trimTape } from "./streams/trim-tape.js";
export type { JsonValue } from "./streams/value-json.js";
export { jsonOfValue } from "./streams/value-json.js";
export type { LibsqlMetadata, LibsqlMetadataFile } from "./takeover/libsql-metadata.js";
export { readLibsqlMetadata } from "./takeover/libsql-metadata.js";
export type { RowChange, SchemaChange, TapeChange } from "./tape/tape-change.js";
export {
  createTapeSql,
  LEAST_TAPE_VALUES,
  LOCAL_TABLE,
  LOCAL_VALUE,
  MAX_TAPE_VALUES,
  PUSH_POSITION_TABLE,
  RESERVED_PREFIX,
  SHAPE_TABLE,
  TAPE_FIXED_COLUMNS,
  TAPE_OPERATION,
  TAPE_TABLE,
} from "./tape/tape-schema.js";
export { grownToHold } from "./values/grown-to-hold.js";
export type { PageId, PageNumber } from "./values/page.js";
export { PAGE_SIZE, pageIdOf, pageNumberOf } from "./values/page.js";
export { sameValue } from "./values/same-value.js";
export type { SqlRow, SqlStatement, SqlValue } from "./values/sql-value.js";
