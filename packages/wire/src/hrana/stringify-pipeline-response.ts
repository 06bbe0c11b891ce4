import { WireError } from "../wire-error.js";
import type {
  HranaError,
  HranaPipelineResponse,
  HranaStmtResult,
  HranaStreamResponse,
  HranaStreamResult,
  HranaValue,
} from "./hrana-types.js";
import { stringifyList, stringifyValue } from "./stringify-value.js";

/**
 * The answer to a pipeline request. A float that is not finite becomes null. Throws `WireError` `too-long` where
 * JavaScript has no string of that length.
 */
export function stringifyPipelineResponse(response: HranaPipelineResponse): string {
  try {
    const results = stringifyList(response.results, stringifyResult);
    const baton = JSON.stringify(response.baton);
    return `{"baton":${baton},"base_url":${JSON.stringify(response.base_url)},"results":${results}}`;
  } catch (error) {
    if (error instanceof RangeError)
      throw new WireError("too-long", "the answer is too long", { cause: error });
    throw error;
  }
}

function stringifyResult(result: HranaStreamResult): string {
  if (result.type === "error") return `{"type":"error","error":${JSON.stringify(result.error)}}`;
  return `{"type":"ok","response":${stringifyResponse(result.response)}}`;
}

function stringifyResponse(response: HranaStreamResponse): string {
  switch (response.type) {
    case "execute":
      return `{"type":"execute","result":${stringifyStmtResult(response.result)}}`;
    case "batch": {
      const results = stringifyList(response.result.step_results, stringifyStmtResult);
      const errors = stringifyList(response.result.step_errors, stringifyError);
      return `{"type":"batch","result":{"step_results":${results},"step_errors":${errors}}}`;
    }
    default:
      return JSON.stringify(response);
  }
}

function stringifyStmtResult(result: HranaStmtResult | null): string {
  if (result === null) return "null";
  const cols = JSON.stringify(result.cols);
  const rows = stringifyList(result.rows, stringifyRow);
  const rowid = JSON.stringify(result.last_insert_rowid);
  return `{"cols":${cols},"rows":${rows},"affected_row_count":${result.affected_row_count},"last_insert_rowid":${rowid}}`;
}

function stringifyRow(row: readonly HranaValue[]): string {
  return stringifyList(row, stringifyValue);
}

function stringifyError(error: HranaError | null): string {
  return error === null ? "null" : JSON.stringify(error);
}
