import { WireError } from "../wire-error.js";
import type {
  HranaBatchStep,
  HranaCondition,
  HranaNamedArg,
  HranaPipelineRequest,
  HranaStmt,
  HranaStreamRequest,
  HranaValue,
} from "./hrana-types.js";
import { stringifyList, stringifyValue } from "./stringify-value.js";

/**
 * The body of a pipeline request. Throws `WireError`: `unsupported` for a float that is not finite, since JSON has no
 * words for these, `too-long` where JavaScript has no string of that length.
 */
export function stringifyPipelineRequest(request: HranaPipelineRequest): string {
  try {
    const requests = stringifyList(request.requests, stringifyRequest);
    return `{"baton":${JSON.stringify(request.baton)},"requests":${requests}}`;
  } catch (error) {
    if (error instanceof RangeError)
      throw new WireError("too-long", "the request is too long", { cause: error });
    throw error;
  }
}

function stringifyRequest(request: HranaStreamRequest): string {
  switch (request.type) {
    case "execute":
      return `{"type":"execute","stmt":${stmtWriter()(request.stmt)}}`;
    case "batch": {
      const stringifyStmt = stmtWriter();
      const steps = stringifyList(request.batch.steps, (step) => stringifyStep(step, stringifyStmt));
      return `{"type":"batch","batch":{"steps":${steps}}}`;
    }
    default:
      return JSON.stringify(request);
  }
}

function stringifyStep(
  { condition, stmt }: HranaBatchStep,
  stringifyStmt: (stmt: HranaStmt) => string,
): string {
  if (condition == null) return `{"stmt":${stringifyStmt(stmt)}}`;
  return `{"condition":${stringifyCondition(condition)},"stmt":${stringifyStmt(stmt)}}`;
}

function stringifyCondition(condition: HranaCondition): string {
  switch (condition.type) {
    case "ok":
    case "error":
      return `{"type":"${condition.type}","step":${condition.step}}`;
    case "not":
      return `{"type":"not","cond":${stringifyCondition(condition.cond)}}`;
    case "and":
    case "or":
      return `{"type":"${condition.type}","conds":${stringifyList(condition.conds, stringifyCondition)}}`;
    case "is_autocommit":
      return '{"type":"is_autocommit"}';
  }
}

/** Statements of a batch have mostly the SQL of the one before, which is the longest part to escape: it is kept. */
function stmtWriter(): (stmt: HranaStmt) => string {
  let lastSql: string | undefined;
  let lastJson = "";
  return ({ sql, sql_id, args, named_args, want_rows }) => {
    let text: string;
    if (sql == null) text = `{"sql_id":${JSON.stringify(sql_id)}`;
    else {
      if (sql !== lastSql) {
        lastSql = sql;
        lastJson = JSON.stringify(sql);
      }
      text = `{"sql":${lastJson}`;
    }
    if (args != null && args.length > 0) text += `,"args":${stringifyList(args, stringifyArgument)}`;
    if (named_args != null && named_args.length > 0)
      text += `,"named_args":${stringifyList(named_args, stringifyNamed)}`;
    if (want_rows != null) text += `,"want_rows":${want_rows}`;
    return `${text}}`;
  };
}

function stringifyNamed({ name, value }: HranaNamedArg): string {
  return `{"name":${JSON.stringify(name)},"value":${stringifyArgument(value)}}`;
}

function stringifyArgument(value: HranaValue): string {
  if (value.type === "float" && !Number.isFinite(value.value)) {
    throw new WireError("unsupported", `${value.value} cannot be an argument: JSON has no number for it`);
  }
  return stringifyValue(value);
}
