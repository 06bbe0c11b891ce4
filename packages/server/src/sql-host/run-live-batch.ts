import {
  encodeLiveResults,
  type HranaCondition,
  type LiveStep,
  type LiveStepResult,
  readLiveSteps,
} from "@tributary/wire";
import type { StatementArguments } from "../sql/bind-arguments.js";
import type { ResponseBudget } from "../sql/response-budget.js";
import { countHead } from "./count-head.js";
import { type BatchStep, runSteps } from "./run-steps.js";
import type { StatementRunner } from "./statement-runner.js";
import type { TimeSlice } from "./time-slice.js";
import { toHranaError } from "./to-hrana-error.js";

const IN_TRANSACTION: HranaCondition = { type: "not", cond: { type: "is_autocommit" } };
const NOTHING: LiveStepResult = { type: "ok", rows: [] };
const SKIPPED: LiveStepResult = { type: "skipped" };
const NONE_NAMED: StatementArguments["named"] = [];

/** A batch of the live protocol. */
export interface LiveWork {
  /** As it came. */
  readonly body: Uint8Array;
  /** Whether what it leaves open stays open, for the one that continues it. */
  readonly isContinued: boolean;
}

/** Runs a batch of the live protocol, as `runSteps` does, and gives its results as they travel. Rejects with `WireError`. */
export async function runLiveBatch(
  runner: StatementRunner,
  { body, isContinued }: LiveWork,
  limits: { readonly maxStatements: number },
  budget: ResponseBudget,
  slice: TimeSlice,
): Promise<Uint8Array<ArrayBuffer>> {
  const results: LiveStepResult[] = [];
  try {
    await runSteps(runner, readLiveSteps(body, limits, toBatchStep), budget, slice, (result, failure) => {
      if (failure === undefined) {
        if (result === undefined) results.push(SKIPPED);
        else results.push(result.rows.length === 0 ? NOTHING : { type: "ok", rows: result.rows });
        return;
      }
      const { message, code, extendedCode } = failure;
      countHead(budget, [], toHranaError(failure));
      results.push({ type: "error", message, sqlCode: extendedCode ?? code });
    });
  } finally {
    if (!isContinued) runner.startOver();
  }
  return encodeLiveResults(results);
}

/** One by one, as they are read: of 200 000 steps no list is made. */
function toBatchStep({ sql, params, condition, wantRows }: LiveStep, index: number): BatchStep {
  const args = { positional: params, named: NONE_NAMED };
  return { sql, wantRows, condition: toCondition(condition, index), args: () => args };
}

function toCondition(condition: LiveStep["condition"], index: number): HranaCondition | undefined {
  if (condition === "in-transaction") return IN_TRANSACTION;
  // Of the first one the client knows whether it holds, and sends it only then.
  return condition === "previous-ok" && index > 0 ? { type: "ok", step: index - 1 } : undefined;
}
