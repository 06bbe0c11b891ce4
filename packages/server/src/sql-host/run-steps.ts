import { classifyStatement } from "@tributary/core";
import type { HranaCondition } from "@tributary/wire";
import { ServerError } from "../server-error.js";
import type { StatementArguments } from "../sql/bind-arguments.js";
import type { ResponseBudget } from "../sql/response-budget.js";
import type { SqlResult } from "../sql/sql-connection.js";
import { type SqlError, toSqlError } from "../sql/sql-error.js";
import { type ConditionContext, holds, isInTransaction } from "./batch-condition.js";
import type { StatementRunner } from "./statement-runner.js";
import type { TimeSlice } from "./time-slice.js";

/** One statement of a batch, of whatever protocol. */
export interface BatchStep {
  readonly condition: HranaCondition | null | undefined;
  readonly sql: string;
  readonly wantRows: boolean;
  /** May throw, which is a failure of the step. */
  readonly args: () => StatementArguments;
}

/**
 * Runs the steps of a batch. A failing step does not end it. `settle` is called for each step in turn, with what it gave or
 * why it failed, with neither where it was skipped; what that throws ends the batch, and so does `ServerError`.
 *
 * One thing is not in the specification of Hrana: where a step that is to be run only inside a transaction fails, the
 * transaction is rolled back. That is how Turso's sync client writes a push, and it counts on it: it takes any failed
 * step as "nothing of this push has happened". Kept going, the push would commit without the failed row, together with
 * the note that it has arrived, and the row would be lost without a word. An ADD COLUMN may fail: the client ignores it.
 */
export async function runSteps(
  runner: StatementRunner,
  steps: Iterable<BatchStep>,
  budget: ResponseBudget,
  slice: TimeSlice,
  settle: (result: SqlResult | undefined, failure: SqlError | undefined) => void,
): Promise<void> {
  const isOk: boolean[] = [];
  const context: ConditionContext = {
    isOk: (step) => isOk[step] === true,
    isAutocommit: () => runner.isAutocommit,
  };
  for (const { condition, sql, wantRows, args } of steps) {
    const turn = slice.giveWay();
    if (turn !== undefined) await turn;
    let result: SqlResult | undefined;
    let failure: SqlError | undefined;
    if (condition == null || holds(condition, context)) {
      try {
        const given = runner.run(sql, args(), wantRows ? budget : undefined);
        result = given instanceof Promise ? await given : given;
      } catch (error) {
        if (error instanceof ServerError) throw error;
        failure = toSqlError(error, false);
        if (isInTransaction(condition) && !isAddColumn(sql)) runner.rollback();
      }
    }
    isOk.push(result !== undefined);
    settle(result, failure);
  }
}

/** Whether it is `ALTER TABLE … ADD`. */
export function isAddColumn(sql: string): boolean {
  const statement = classifyStatement(sql);
  return statement.type === "schema" && statement.addsColumn;
}
