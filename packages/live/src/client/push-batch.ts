import { type RemoteBatch, type RemoteStep, type RemoteStepResult, SyncError } from "@tributary/core";
import { decodeLiveResults, encodeLiveBatch, WireError } from "@tributary/wire";

/** What {@link pushBatch} needs. */
export interface PushTarget {
  readonly endpoint: string;
  /** No body is longer. */
  readonly maxBodyBytes: number;
  /** Runs the steps of a body. `isContinued`: their transaction stays open for the next one. Rejects with `SyncError`. */
  push(body: Uint8Array, isContinued: boolean): Promise<Uint8Array>;
}

/** Runs at the end of a part that is continued, and tells whether a transaction is open there. */
const PROBE: RemoteStep = { sql: "SELECT 1", params: [], condition: "in-transaction", wantRows: false };
/** Longer than the probe in a body. */
const PROBE_BYTES = 32;
const NOTHING: Uint8Array = encodeLiveBatch([]).body;
const SKIPPED: RemoteStepResult = { type: "skipped" };

/**
 * Runs a batch, in parts where it is long. After a failed step, steps of later parts that depend on it are not even sent.
 * Rejects with `SyncError`; when a part was continued, its transaction may then be open.
 */
export async function pushBatch(
  { steps }: RemoteBatch,
  target: PushTarget,
): Promise<readonly RemoteStepResult[]> {
  const work = [...steps];
  const results: RemoteStepResult[] = [];
  let isContinued = false;
  let isInTransaction = false;
  while (results.length < work.length) {
    const start = results.length;
    const first = work[start] as RemoteStep;
    if (first.condition === "previous-ok" && start > 0 && results[start - 1]?.type !== "ok") {
      results.push(SKIPPED);
      continue;
    }
    // A remote that has lost the transaction since the part before must not run the rest outside of one.
    const isGuarded = isInTransaction;
    if (isGuarded) work[start] = { ...first, condition: "in-transaction" };
    const part = encodePart(work, start, target);
    isContinued = part.end < work.length;
    const answers = decode(
      await target.push(part.body, isContinued),
      part.end - start + (isContinued ? 1 : 0),
      target,
    );
    isInTransaction = isContinued && answers.pop()?.type === "ok";
    if (isGuarded && answers[0]?.type === "skipped") throw lostTransaction(target);
    for (const answer of answers) results.push(answer);
  }
  // What the last part left open, and the rest would have ended, is rolled back.
  if (isContinued) decode(await target.push(NOTHING, false), 0, target);
  return results;
}

function encodePart(
  steps: readonly RemoteStep[],
  start: number,
  { endpoint, maxBodyBytes }: PushTarget,
): { readonly body: Uint8Array; readonly end: number } {
  try {
    const whole = encodeLiveBatch(steps, start, maxBodyBytes - PROBE_BYTES);
    const { end } = whole;
    const isLast = end === steps.length;
    const { body } = isLast ? whole : encodeLiveBatch([...steps.slice(start, end), PROBE]);
    if (body.length <= maxBodyBytes) return { body, end };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new SyncError("internal", `A batch cannot be sent: ${error.message}.`, { cause: error });
  }
  const message = `${endpoint} takes no statement that is longer than ${maxBodyBytes} bytes with its values.`;
  throw new SyncError("remote-rejected", message, { endpoint });
}

function decode(body: Uint8Array, stepCount: number, { endpoint }: PushTarget): RemoteStepResult[] {
  try {
    return decodeLiveResults(body, stepCount);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const message = `${endpoint} sent results that cannot be read: ${error.message}.`;
    throw new SyncError("malformed-response", message, { endpoint, cause: error });
  }
}

function lostTransaction({ endpoint }: PushTarget): SyncError {
  const message = `${endpoint} ended the transaction of a batch before all of it had come.`;
  return new SyncError("unreachable", message, { endpoint });
}
