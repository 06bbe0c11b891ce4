import { checkValue } from "./check-value.js";
import type { HranaStreamRequest } from "./hrana-types.js";
import type { JsonCursor, JsonObject } from "./json-cursor.js";
import { MAX_CONDITION_DEPTH, NO_STEP_BEFORE, ONE_SOURCE, TOO_DEEP } from "./request-rules.js";

type RequestCheck = (request: JsonObject, cursor: JsonCursor) => void;

/** What each type of request has beside its type. */
export const REQUEST_CHECKS: Readonly<Record<HranaStreamRequest["type"], RequestCheck>> = {
  close: () => {},
  execute: (request, cursor) => cursor.member(request, "stmt", checkStmt),
  batch: (request, cursor) => cursor.member(request, "batch", checkBatch),
  sequence: checkSqlSource,
  describe: checkSqlSource,
  store_sql: (request, cursor) => {
    cursor.member(request, "sql_id", int32);
    cursor.member(request, "sql", string);
  },
  close_sql: (request, cursor) => void cursor.member(request, "sql_id", int32),
  get_autocommit: () => {},
};

/** Checks a batch, and counts its steps. */
export function checkBatch(value: unknown, cursor: JsonCursor): void {
  cursor.member(cursor.object(value), "steps", checkSteps);
}

function checkSteps(value: unknown, cursor: JsonCursor): void {
  cursor.elements(value, checkStep);
}

function checkStep(value: unknown, cursor: JsonCursor, index: number): void {
  cursor.statements.add();
  const step = cursor.object(value);
  if (step.condition != null) {
    cursor.member(step, "condition", (condition) => checkCondition(condition, cursor, index, 1));
  }
  cursor.member(step, "stmt", checkStmt);
}

function checkCondition(value: unknown, cursor: JsonCursor, ownStep: number, depth: number): void {
  if (depth > MAX_CONDITION_DEPTH) cursor.fail(TOO_DEEP, value);
  const condition = cursor.object(value);
  const checkInner = (inner: unknown): void => checkCondition(inner, cursor, ownStep, depth + 1);
  switch (condition.type) {
    case "ok":
    case "error":
      cursor.member(condition, "step", (step) => {
        if (ownStep === 0) cursor.fail(NO_STEP_BEFORE, step);
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

function boolean(value: unknown, cursor: JsonCursor): boolean {
  return cursor.boolean(value);
}

/** An id that a client has chosen. */
export function int32(value: unknown, cursor: JsonCursor): number {
  return cursor.integer(value, -(2 ** 31), 2 ** 31 - 1);
}
