import { checkAnswerValue } from "./check-value.js";
import type { HranaPipelineResponse, HranaStreamResult } from "./hrana-types.js";
import { JsonCursor, type JsonObject, nullableString } from "./json-cursor.js";

/**
 * Reads the answer to a pipeline request. Every part of it is checked and is then what its type says, but for fields that
 * this version does not know: they stay, unread. What may be absent is null afterwards. Throws `WireError` that names the
 * place.
 */
export function parsePipelineResponse(text: string): HranaPipelineResponse {
  const cursor = new JsonCursor();
  const body = cursor.object(JsonCursor.parse(text));
  const baton = cursor.member(body, "baton", nullableString);
  const baseUrl = cursor.member(body, "base_url", nullableString);
  const results = cursor.member(body, "results", (list) => cursor.elements(list, checkResult));
  return { baton, base_url: baseUrl, results: results as readonly HranaStreamResult[] };
}

function checkResult(value: unknown, cursor: JsonCursor): void {
  const result = cursor.object(value);
  if (result.type === "ok") cursor.member(result, "response", checkResponse);
  else if (result.type === "error") cursor.member(result, "error", checkError);
  else cursor.member(result, "type", (type) => cursor.fail(`"ok" or "error"`, type));
}

function checkResponse(value: unknown, cursor: JsonCursor): void {
  const response = cursor.object(value);
  switch (response.type) {
    case "close":
    case "sequence":
    case "store_sql":
    case "close_sql":
      break;
    case "execute":
      cursor.member(response, "result", checkStmtResult);
      break;
    case "batch":
      cursor.member(response, "result", checkBatchResult);
      break;
    case "describe":
      cursor.member(response, "result", checkDescribeResult);
      break;
    case "get_autocommit":
      cursor.member(response, "is_autocommit", boolean);
      break;
    default:
      cursor.member(response, "type", (type) => cursor.fail("a type of response", type));
  }
}

function checkBatchResult(value: unknown, cursor: JsonCursor): void {
  const result = cursor.object(value);
  const results = cursor.member(result, "step_results", (list) =>
    cursor.elements(list, checkNullable(checkStmtResult)),
  );
  const errors = cursor.member(result, "step_errors", (list) =>
    cursor.elements(list, checkNullable(checkError)),
  );
  if (results.length !== errors.length)
    cursor.fail("lists of one length", `${results.length} and ${errors.length}`);
}

function checkStmtResult(value: unknown, cursor: JsonCursor): void {
  const result = cursor.object(value);
  cursor.member(result, "cols", (list) => cursor.elements(list, checkCol));
  cursor.member(result, "rows", (list) => cursor.elements(list, checkRow));
  cursor.member(result, "affected_row_count", (count) => cursor.integer(count, 0, Number.MAX_SAFE_INTEGER));
  setNullable(result, "last_insert_rowid", cursor);
}

function checkRow(value: unknown, cursor: JsonCursor): void {
  cursor.elements(value, checkAnswerValue);
}

function checkCol(value: unknown, cursor: JsonCursor): void {
  const col = cursor.object(value);
  setNullable(col, "name", cursor);
  setNullable(col, "decltype", cursor);
}

function checkDescribeResult(value: unknown, cursor: JsonCursor): void {
  const result = cursor.object(value);
  cursor.member(result, "params", (list) =>
    cursor.elements(list, (param) => setNullable(cursor.object(param), "name", cursor)),
  );
  cursor.member(result, "cols", (list) =>
    cursor.elements(list, (col) => {
      const { name } = cursor.object(col);
      if (typeof name !== "string") cursor.fail("a column with a name", name);
      checkCol(col, cursor);
    }),
  );
  cursor.member(result, "is_explain", boolean);
  cursor.member(result, "is_readonly", boolean);
}

function checkError(value: unknown, cursor: JsonCursor): void {
  const error = cursor.object(value);
  cursor.member(error, "message", (message) => cursor.string(message));
  setNullable(error, "code", cursor);
  if (error.extended_code != null) cursor.member(error, "extended_code", (code) => cursor.string(code));
}

function checkNullable(check: (value: unknown, cursor: JsonCursor) => void): typeof check {
  return (value, cursor) => {
    if (value !== null) check(value, cursor);
  };
}

/** Checks that a member is a string, null or absent, and makes an absent one null: the document is ours. */
function setNullable(object: JsonObject, key: string, cursor: JsonCursor): void {
  const text = cursor.member(object, key, nullableString);
  if (text === null) (object as { [key: string]: unknown })[key] = null;
}

function boolean(value: unknown, cursor: JsonCursor): boolean {
  return cursor.boolean(value);
}
