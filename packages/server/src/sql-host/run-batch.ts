import type { HranaBatch, HranaBatchResult, HranaError, HranaStmt, HranaStmtResult } from "@tributary/wire";
import type { ResponseBudget } from "../sql/response-budget.js";
import { countHead } from "./count-head.js";
import { runSteps } from "./run-steps.js";
import { argumentsOf, type StatementRunner, toHranaResult } from "./statement-runner.js";
import type { TimeSlice } from "./time-slice.js";
import { toHranaError } from "./to-hrana-error.js";

/** Runs a batch of Hrana, as `runSteps` does. */
export async function runBatch(
  runner: StatementRunner,
  batch: HranaBatch,
  sqlOf: (stmt: HranaStmt) => string,
  budget: ResponseBudget,
  slice: TimeSlice,
): Promise<HranaBatchResult> {
  const steps = batch.steps.map(({ condition, stmt }) => ({
    condition,
    sql: sqlOf(stmt),
    wantRows: stmt.want_rows !== false,
    args: () => argumentsOf(stmt),
  }));
  const results: (HranaStmtResult | null)[] = [];
  const errors: (HranaError | null)[] = [];
  await runSteps(runner, steps, budget, slice, (given, failure) => {
    const result = given === undefined ? null : toHranaResult(given);
    const error = failure === undefined ? null : toHranaError(failure);
    countHead(budget, result?.cols ?? [], error);
    results.push(result);
    errors.push(error);
  });
  return { step_results: results, step_errors: errors };
}
