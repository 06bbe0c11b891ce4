import {
  decodeProxyDescribe,
  decodeProxyProgram,
  encodeProxyDescription,
  encodeProxyResults,
  type ProxyStep,
  type ProxyStepResult,
} from "@tributary/wire";
import { ServerError } from "../server-error.js";
import type { ResponseBudget } from "../sql/response-budget.js";
import { toSqlError } from "../sql/sql-error.js";
import { countHead } from "./count-head.js";
import { type BatchStep, runSteps } from "./run-steps.js";
import type { StatementRunner } from "./statement-runner.js";
import type { TimeSlice } from "./time-slice.js";
import { toHranaError } from "./to-hrana-error.js";

/** What an embedded replica of libSQL has the server do for it, by the service `proxy.Proxy`. */
export interface ProxyWork {
  readonly type: "execute" | "describe";
  /** The message, as it came. */
  readonly body: Uint8Array;
  /** See `encodeProxyDescription`. */
  readonly namesFromOne: boolean;
  /** Whether the client goes on in a transaction that was lost with the stream it had. */
  readonly hasLostTransaction: boolean;
}

const SKIPPED: ProxyStepResult = {
  type: "rows",
  columns: [],
  rows: [],
  affectedRows: 0,
  lastInsertRowid: null,
};

/** Does it, and gives the answer as it travels, but for the newest frame. Rejects with `WireError`, and as `runSteps` does. */
export async function runProxyWork(
  runner: StatementRunner,
  { type, body, namesFromOne, hasLostTransaction }: ProxyWork,
  limits: { readonly maxStatements: number },
  budget: ResponseBudget,
  slice: TimeSlice,
): Promise<Uint8Array> {
  if (hasLostTransaction) runner.loseTransaction();
  if (type === "describe") return describe(runner, decodeProxyDescribe(body), namesFromOne);
  const results: ProxyStepResult[] = [];
  const steps = toBatchSteps(decodeProxyProgram(body, limits));
  await runSteps(runner, steps, budget, slice, (result, failure) => {
    if (failure !== undefined) {
      const error = toHranaError(failure);
      countHead(budget, [], error);
      results.push({ type: "error", error });
    } else if (result === undefined) results.push(SKIPPED);
    else {
      countHead(
        budget,
        result.columns.map(({ name, declaredType }) => ({ name, decltype: declaredType })),
      );
      results.push({ type: "rows", ...result });
    }
  });
  return encodeProxyResults(results, runner.isAutocommit);
}

/**
 * A program without any condition is a text of several statements: one that fails ends it, as it does where SQLite runs such
 * a text. Else the rest of it would be run, and committed by a COMMIT in it, while the client is told that it has failed.
 */
function toBatchSteps(steps: readonly ProxyStep[]): readonly BatchStep[] {
  const isPlain = steps.every(({ condition }) => condition === undefined);
  return steps.map(({ sql, condition, wantRows, positional, named }, index) => ({
    sql,
    wantRows,
    condition: isPlain && index > 0 ? { type: "ok", step: index - 1 } : condition,
    args: () => ({ positional, named }),
  }));
}

function describe(runner: StatementRunner, sql: string, namesFromOne: boolean): Uint8Array {
  try {
    const { shape, columns } = runner.connection.describe(sql);
    return encodeProxyDescription({ columns, parameters: shape.parameterNames.slice(1) }, namesFromOne);
  } catch (error) {
    if (error instanceof ServerError) throw error;
    return encodeProxyDescription(toHranaError(toSqlError(error, true)), namesFromOne);
  }
}
