import { type RemoteBatch, type RemoteStepResult, SyncError } from "@tributary/core";
import {
  BATCH_CONTENT_TYPE,
  BATCH_PATH,
  decodeLiveResults,
  encodeLiveBatch,
  WireError,
} from "@tributary/wire";
import type { HttpCaller } from "./http-caller.js";
import { readWholeAnswer } from "./read-whole-answer.js";

const CONTENT_TYPES = [BATCH_CONTENT_TYPE];

/**
 * Runs a batch on a remote that takes it in the form of the live protocol: a fraction of the bytes of Hrana's, and of the
 * work at both ends. Rejects with `BatchRefused` where the remote does not take it, else with `SyncError`.
 */
export async function runLiveBatch(
  caller: HttpCaller,
  { steps, repeatable }: RemoteBatch,
  signal: AbortSignal | undefined,
): Promise<readonly RemoteStepResult[]> {
  return await caller.call(
    {
      path: BATCH_PATH,
      contentTypes: CONTENT_TYPES,
      body: encode(steps),
      isRepeatable: repeatable,
      isLiveBatch: true,
      extraTimeMs: 0,
      signal,
    },
    async (answer) => {
      const body = await readWholeAnswer(answer, caller.settings.maxAnswerBytes);
      try {
        return decodeLiveResults(body, steps.length);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        throw answer.error("malformed-response", `sent what cannot be read: ${error.message}`, error);
      }
    },
  );
}

function encode(steps: RemoteBatch["steps"]): Uint8Array {
  try {
    return encodeLiveBatch(steps).body;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new SyncError("internal", `A batch cannot be sent: ${error.message}.`, { cause: error });
  }
}
