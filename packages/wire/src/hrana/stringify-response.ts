import type {
  HranaCursorEntry,
  HranaError,
  HranaStmtResult,
  HranaStreamResponse,
  HranaValue,
} from "./hrana-types.js";
import { stringifyList, stringifyValue } from "./stringify-value.js";

/** The JSON of a response. A float that is not finite becomes null. */
export function stringifyResponse(response: HranaStreamResponse): string {
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

/**
 * The JSON of an entry of a cursor. A float that is not finite becomes null. The rowid is there by two names: the protocol's,
 * and the one that libSQL's Rust client reads (`libsql/src/hrana/cursor.rs` of 0.9.30), which fails without it.
 */
export function stringifyCursorEntry(entry: HranaCursorEntry): string {
  switch (entry.type) {
    case "row":
      return `{"type":"row","row":${stringifyRow(entry.row)}}`;
    case "step_end":
      return JSON.stringify({ ...entry, last_inserted_rowid: entry.last_insert_rowid });
    default:
      return JSON.stringify(entry);
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
