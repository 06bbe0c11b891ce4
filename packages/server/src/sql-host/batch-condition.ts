import type { HranaCondition } from "@tributary/wire";
import { HranaRequestError } from "../hrana/hrana-request-error.js";

/** What conditions look at. */
export interface ConditionContext {
  /** Whether the step was run and did not fail. */
  isOk(step: number): boolean;
  isAutocommit(): boolean;
}

/** Whether a step of a batch is to be run. The wire lets only conditions through that look at earlier steps. */
export function holds(condition: HranaCondition, context: ConditionContext): boolean {
  switch (condition.type) {
    case "ok":
      return context.isOk(condition.step);
    // The specification says false for a skipped step; sqld and Turso say true, and clients rely on them.
    case "error":
      return !context.isOk(condition.step);
    case "not":
      return !holds(condition.cond, context);
    case "and":
      return condition.conds.every((part) => holds(part, context));
    case "or":
      return condition.conds.some((part) => holds(part, context));
    case "is_autocommit":
      return context.isAutocommit();
    default:
      return unknownCondition(condition);
  }
}

/** Whether it is exactly "a transaction is open". */
export function isInTransaction(condition: HranaCondition | null | undefined): boolean {
  return condition?.type === "not" && condition.cond.type === "is_autocommit";
}

function unknownCondition(condition: never): never {
  throw new HranaRequestError(`unknown condition ${JSON.stringify(condition)}`);
}
