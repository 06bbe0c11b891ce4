import { classifyStatement } from "@tributary/core";
import type { HranaBatch, HranaBatchResult, HranaError, HranaStmt, HranaStmtResult } from "@tributary/wire";
import { ServerError } from "../server-error.js";
import type { ResponseBudget } from "../sql/response-budget.js";
import { toSqlError } from "../sql/sql-error.js";
import { type ConditionContext, holds, isInTransaction } from "./batch-condition.js";
import { countHead } from "./count-head.js";
import { argumentsOf, type StatementRunner, toHranaResult } from "./statement-runner.js";
import type { TimeSlice } from "./time-slice.js";
import { toHranaError } from "./to-hrana-error.js";

/**
 * Runs a batch. A failing step does not end it.
 *
 * One thing is not in the specification of Hrana: where a step that is to be run only inside a transaction fails, the
 * transaction is rolled back. That is how Turso's sync client writes a push, and it counts on it: it takes any failed
 * step as "nothing of this push has happened". Kept going, the push would commit without the failed row, together with
 * the note that it has arrived, and the row would be lost without a word. An ADD COLUMN may fail: the client ignores it.
 */
export async function runBatch(
  runner: StatementRunner,
  batch: HranaBatch,
  sqlOf: (stmt: HranaStmt) => string,
  budget: ResponseBudget,
  slice: TimeSlice,
): Promise<HranaBatchResult> {
  const { steps } = batch;
  const sqlOfSteps = steps.map(({ stmt }) => sqlOf(stmt));
  const results: (HranaStmtResult | null)[] = [];
  const errors: (HranaError | null)[] = [];
  const context: ConditionContext = {
    isOk: (step) => results[step] != null,
    isAutocommit: () => runner.isAutocommit,
  };
  for (const [index, { condition, stmt }] of steps.entries()) {
    const turn = slice.giveWay();
    if (turn !== undefined) await turn;
    let result: HranaStmtResult | null = null;
    let failure: HranaError | null = null;
    if (condition == null || holds(condition, context)) {
      const sql = sqlOfSteps[index] as string;
      try {
        const given = runner.run(sql, argumentsOf(stmt), stmt.want_rows === false ? undefined : budget);
        result = toHranaResult(given instanceof Promise ? await given : given);
      } catch (error) {
        if (error instanceof ServerError) throw error;
        failure = toHranaError(toSqlError(error, false));
        if (isInTransaction(condition) && !isAddColumn(sql)) runner.rollback();
      }
    }
    countHead(budget, result?.cols ?? [], failure);
    results.push(result);
    errors.push(failure);
  }
  return { step_results: results, step_errors: errors };
}

/** Whether it is `ALTER TABLE … ADD`. */
export function isAddColumn(sql: string): boolean {
  const statement = classifyStatement(sql);
  return statement.type === "schema" && statement.addsColumn;
}
