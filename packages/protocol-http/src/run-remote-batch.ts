import type { RemoteBatch, RemoteStepResult } from "@tributary/core";
import { BatchRefused } from "./batch-support.js";
import type { HttpCaller } from "./http-caller.js";
import { runLiveBatch } from "./run-live-batch.js";
import { runPipelineBatch } from "./run-pipeline-batch.js";

/** Runs a batch on the remote: in the live protocol's form where the remote takes it, else as Hrana's. Rejects with `SyncError`. */
export async function runRemoteBatch(
  caller: HttpCaller,
  batch: RemoteBatch,
  signal: AbortSignal | undefined,
): Promise<readonly RemoteStepResult[]> {
  const { batchSupport } = caller;
  if (!batchSupport.isTold) return await runPipelineBatch(caller, batch, signal);
  let refused: BatchRefused;
  try {
    return await runLiveBatch(caller, batch, signal);
  } catch (error) {
    if (!(error instanceof BatchRefused)) throw error;
    refused = error;
  }
  const results = await runPipelineBatch(caller, batch, signal);
  // Only now: had this one failed too, the refusal would not have been about the form.
  batchSupport.noteRefusal(refused.by);
  return results;
}
