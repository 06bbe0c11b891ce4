export { delimit } from "./framing/delimit.js";
export type { DelimitedDecoderOptions } from "./framing/delimited-decoder.js";
export { DelimitedDecoder } from "./framing/delimited-decoder.js";
export type {
  HranaBatch,
  HranaBatchResult,
  HranaBatchStep,
  HranaCol,
  HranaCondition,
  HranaDescribeResult,
  HranaError,
  HranaNamedArg,
  HranaPipelineRequest,
  HranaPipelineResponse,
  HranaSqlSource,
  HranaStmt,
  HranaStmtResult,
  HranaStreamRequest,
  HranaStreamResponse,
  HranaStreamResult,
  HranaValue,
} from "./hrana/hrana-types.js";
export type { SqlValue } from "./hrana/hrana-value.js";
export { decodeHranaValue, encodeHranaValue } from "./hrana/hrana-value.js";
export { parsePipelineRequest } from "./hrana/parse-pipeline-request.js";
export { parsePipelineResponse } from "./hrana/parse-pipeline-response.js";
export { stringifyPipelineRequest } from "./hrana/stringify-pipeline-request.js";
export { stringifyPipelineResponse } from "./hrana/stringify-pipeline-response.js";
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
