import type { RemoteBatch, RemoteStep, RemoteStepResult } from "@tributary/core";
import {
  decodeHranaValue,
  encodeHranaValue,
  type HranaBatchResult,
  type HranaBatchStep,
  type HranaCondition,
  type HranaPipelineRequest,
  type HranaStreamRequest,
} from "@tributary/wire";

const IN_TRANSACTION: HranaCondition = { type: "not", cond: { type: "is_autocommit" } };

/**
 * A batch as a request, which closes its stream only where the remote is known to keep streams: tursodb knows only
 * batches and rejects the whole pipeline. Throws `WireError` `unsupported` for an integer of more than 64 bits.
 */
export function toPipelineRequest({ steps }: RemoteBatch, closeStream: boolean): HranaPipelineRequest {
  const batch: HranaStreamRequest = { type: "batch", batch: { steps: steps.map(toHranaStep) } };
  return { baton: null, requests: closeStream ? [batch, { type: "close" }] : [batch] };
}

function toHranaStep({ sql, params, condition, wantRows }: RemoteStep, index: number): HranaBatchStep {
  const stmt = { sql, args: params.map(encodeHranaValue), want_rows: wantRows };
  switch (condition) {
    case "in-transaction":
      return { condition: IN_TRANSACTION, stmt };
    case "previous-ok":
      // No step is before the first one, so none has failed.
      return index === 0 ? { stmt } : { condition: { type: "ok", step: index - 1 }, stmt };
    case "always":
      return { stmt };
  }
}

/** What the steps did. Throws `WireError` for a value that is none. */
export function toStepResults({ step_results, step_errors }: HranaBatchResult): RemoteStepResult[] {
  return step_results.map((result, index) => {
    const error = step_errors[index] ?? null;
    if (error !== null) {
      return {
        type: "error",
        message: error.message,
        sqlCode: error.extended_code ?? error.code ?? undefined,
      };
    }
    if (result === null) return { type: "skipped" };
    return { type: "ok", rows: result.rows.map((row) => row.map(decodeHranaValue)) };
  });
}
