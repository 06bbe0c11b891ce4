import { checkValue } from "./check-value.js";
import type { HranaPipelineRequest, HranaStreamRequest } from "./hrana-types.js";
import { JsonCursor, type JsonObject } from "./json-cursor.js";

/** Conditions nested deeper are refused: whoever evaluates them recurses. */
const MAX_CONDITION_DEPTH = 100;

const ONE_SOURCE = "an object with exactly one of sql and sql_id";

/**
 * Reads the body of a pipeline request: its text, or the document if it has been parsed already. Every part of it is
 * checked and is then what its type says, but for fields that Hrana does not know: they stay, unread. Whether the order
 * of the requests makes sense is not looked at. Throws `WireError` that names the place, as `requests[0].stmt.args[2]`.
 */
export function parsePipelineRequest(json: unknown): HranaPipelineRequest {
  const cursor = new JsonCursor();
  const body = cursor.object(typeof json === "string" ? JsonCursor.parse(json) : json);
  const baton = cursor.member(body, "baton", optionalString);
  const requests = cursor.member(body, "requests", (list) => cursor.elements(list, checkRequest));
  return { baton: baton ?? null, requests: requests as readonly HranaStreamRequest[] };
}

function checkRequest(value: unknown, cursor: JsonCursor): void {
  const request = cursor.object(value);
  const check = CHECKS.get(request.type);
  if (check === undefined) cursor.member(request, "type", (type) => cursor.fail("a type of request", type));
  else check(request, cursor);
}

type RequestCheck = (request: JsonObject, cursor: JsonCursor) => void;

const CHECKS: ReadonlyMap<unknown, RequestCheck> = new Map<HranaStreamRequest["type"], RequestCheck>([
  ["close", () => {}],
  ["execute", (request, cursor) => cursor.member(request, "stmt", checkStmt)],
  ["batch", (request, cursor) => cursor.member(request, "batch", checkBatch)],
  ["sequence", checkSqlSource],
  ["describe", checkSqlSource],
  [
    "store_sql",
    (request, cursor) => {
      cursor.member(request, "sql_id", int32);
      cursor.member(request, "sql", string);
    },
  ],
  ["close_sql", (request, cursor) => void cursor.member(request, "sql_id", int32)],
  ["get_autocommit", () => {}],
]);

function checkBatch(value: unknown, cursor: JsonCursor): void {
  cursor.member(cursor.object(value), "steps", checkSteps);
}

function checkSteps(value: unknown, cursor: JsonCursor): void {
  cursor.elements(value, checkStep);
}

function checkStep(value: unknown, cursor: JsonCursor, index: number): void {
  const step = cursor.object(value);
  if (step.condition != null) {
    cursor.member(step, "condition", (condition) => checkCondition(condition, cursor, index, 1));
  }
  cursor.member(step, "stmt", checkStmt);
}

function checkCondition(value: unknown, cursor: JsonCursor, ownStep: number, depth: number): void {
  if (depth > MAX_CONDITION_DEPTH) cursor.fail(`nested at most ${MAX_CONDITION_DEPTH} deep`, value);
  const condition = cursor.object(value);
  const checkInner = (inner: unknown): void => checkCondition(inner, cursor, ownStep, depth + 1);
  switch (condition.type) {
    case "ok":
    case "error":
      cursor.member(condition, "step", (step) => {
        if (ownStep === 0) cursor.fail("absent: no step comes before the first one", step);
        cursor.integer(step, 0, ownStep - 1);
      });
      break;
    case "not":
      cursor.member(condition, "cond", checkInner);
      break;
    case "and":
    case "or":
      cursor.member(condition, "conds", (conds) => cursor.elements(conds, checkInner));
      break;
    case "is_autocommit":
      break;
    default:
      cursor.member(condition, "type", (type) => cursor.fail("a type of condition", type));
  }
}

function checkStmt(value: unknown, cursor: JsonCursor): void {
  const stmt = cursor.object(value);
  checkSqlSource(stmt, cursor);
  if (stmt.args != null) cursor.member(stmt, "args", checkValues);
  if (stmt.named_args != null) cursor.member(stmt, "named_args", checkNamedArgs);
  if (stmt.want_rows != null) cursor.member(stmt, "want_rows", boolean);
}

function checkSqlSource(source: JsonObject, cursor: JsonCursor): void {
  const hasSql = source.sql != null;
  if (hasSql === (source.sql_id != null)) cursor.fail(ONE_SOURCE, source);
  if (hasSql) cursor.member(source, "sql", string);
  else cursor.member(source, "sql_id", int32);
}

function checkValues(value: unknown, cursor: JsonCursor): void {
  cursor.elements(value, checkValue);
}

function checkNamedArgs(value: unknown, cursor: JsonCursor): void {
  cursor.elements(value, checkNamedArg);
}

function checkNamedArg(value: unknown, cursor: JsonCursor): void {
  const argument = cursor.object(value);
  cursor.member(argument, "name", string);
  cursor.member(argument, "value", checkValue);
}

function string(value: unknown, cursor: JsonCursor): string {
  return cursor.string(value);
}

function optionalString(value: unknown, cursor: JsonCursor): string | undefined {
  return value == null ? undefined : cursor.string(value);
}

function boolean(value: unknown, cursor: JsonCursor): boolean {
  return cursor.boolean(value);
}

function int32(value: unknown, cursor: JsonCursor): number {
  return cursor.integer(value, -(2 ** 31), 2 ** 31 - 1);
}
