export type { ProxyStep } from "./embedded/decode-proxy-request.js";
export { decodeProxyDescribe, decodeProxyProgram, findProxyClient } from "./embedded/decode-proxy-request.js";
export type { ProxyDescription, ProxyStepResult } from "./embedded/encode-proxy-results.js";
export {
  encodeCurrentFrame,
  encodeProxyDescription,
  encodeProxyResults,
} from "./embedded/encode-proxy-results.js";
export { frameGrpcMessage, GRPC_OK_TRAILERS, readGrpcMessage } from "./embedded/grpc-message.js";
export type { GrpcStatus } from "./embedded/grpc-status.js";
export { GRPC_STATUS, grpcFailureHeaders } from "./embedded/grpc-status.js";
export type { LogFrames } from "./embedded/log-frames.js";
export { encodeFrameList, encodeFrameStream } from "./embedded/log-frames.js";
export type { HelloAnswer } from "./embedded/replication-messages.js";
export { checkHelloRequest, decodeLogOffset, encodeHelloAnswer } from "./embedded/replication-messages.js";
export { delimit } from "./framing/delimit.js";
export type { DelimitedDecoderOptions } from "./framing/delimited-decoder.js";
export { DelimitedDecoder } from "./framing/delimited-decoder.js";
export { decodeClientMessage } from "./hrana/decode-client-message.js";
export { decodeCursorRequest } from "./hrana/decode-cursor-request.js";
export { decodePipelineRequest } from "./hrana/decode-pipeline-request.js";
export type { HranaAnswerHead } from "./hrana/encode-answer-head.js";
export {
  CURSOR_TERMINATOR,
  encodeCursorEntry,
  encodeCursorHead,
  frameCursorEntry,
} from "./hrana/encode-cursor-entry.js";
export type { HranaServerMessage, HranaSocketResponse } from "./hrana/encode-server-message.js";
export { encodeServerMessage } from "./hrana/encode-server-message.js";
export { encodeStreamResult } from "./hrana/encode-stream-result.js";
export type { EncodedResult } from "./hrana/encoded-result.js";
export { findBaton } from "./hrana/find-baton.js";
export type {
  HranaBatch,
  HranaBatchResult,
  HranaBatchStep,
  HranaClientMessage,
  HranaCol,
  HranaCondition,
  HranaCursorEntry,
  HranaCursorRequest,
  HranaDescribeResult,
  HranaError,
  HranaFormat,
  HranaNamedArg,
  HranaPipelineRequest,
  HranaPipelineResponse,
  HranaSocketRequest,
  HranaSqlSource,
  HranaStmt,
  HranaStmtResult,
  HranaStreamMessage,
  HranaStreamRequest,
  HranaStreamResponse,
  HranaStreamResult,
  HranaValue,
} from "./hrana/hrana-types.js";
export type { SqlValue } from "./hrana/hrana-value.js";
export { decodeHranaValue, encodeHranaValue } from "./hrana/hrana-value.js";
export { joinPipelineResponse } from "./hrana/join-pipeline-response.js";
export { parseClientMessage } from "./hrana/parse-client-message.js";
export { parseCursorRequest } from "./hrana/parse-cursor-request.js";
export { parsePipelineRequest } from "./hrana/parse-pipeline-request.js";
export { parsePipelineResponse } from "./hrana/parse-pipeline-response.js";
export type { HranaReadOptions } from "./hrana/statement-count.js";
export { stringifyPipelineRequest } from "./hrana/stringify-pipeline-request.js";
export { ACCEPTS_BATCH, ACCEPTS_HEADER, BATCH_CONTENT_TYPE, BATCH_PATH } from "./live/batch-route.js";
export { decodeLiveClientMessage, decodeLiveServerMessage } from "./live/decode-live-message.js";
export { encodeLiveMessage } from "./live/encode-live-message.js";
export type { EncodedLiveBatch, LiveBatchLimits } from "./live/live-batch.js";
export { decodeLiveBatch, encodeLiveBatch, firstLiveText, readLiveSteps } from "./live/live-batch.js";
export type {
  LiveClientMessage,
  LiveKind,
  LiveMessage,
  LiveServerMessage,
  LiveSharedMessage,
} from "./live/live-messages.js";
export { LIVE_SUBPROTOCOL, LIVE_VERSION } from "./live/live-messages.js";
export { decodeLiveResults, encodeLiveResults } from "./live/live-results.js";
export type { LiveCondition, LiveStep, LiveStepResult } from "./live/live-step.js";
export type { PushAnswer } from "./offline/push-answer.js";
export { parseGeneration, parsePushAnswer, stringifyPushAnswer } from "./offline/push-answer.js";
export type { PageMessage } from "./pull-updates/page-message.js";
export { decodePageMessage, encodePageMessage, encodePageMessages } from "./pull-updates/page-message.js";
export { encodePageRange } from "./pull-updates/page-range.js";
export type { PageSelector } from "./pull-updates/page-selector.js";
export { decodePageSelector } from "./pull-updates/page-selector.js";
export type { PullUpdatesHeader } from "./pull-updates/pull-updates-header.js";
export { decodePullUpdatesHeader, encodePullUpdatesHeader } from "./pull-updates/pull-updates-header.js";
export type { PullUpdatesRequest } from "./pull-updates/pull-updates-request.js";
export { decodePullUpdatesRequest, encodePullUpdatesRequest } from "./pull-updates/pull-updates-request.js";
export type { WireErrorCode } from "./wire-error.js";
export { WireError } from "./wire-error.js";
