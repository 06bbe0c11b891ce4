import { type RemoteBatch, type RemoteStepResult, SyncError } from "@tributary/core";
import {
  type HranaPipelineResponse,
  parsePipelineResponse,
  stringifyPipelineRequest,
  WireError,
} from "@tributary/wire";
import type { HttpCaller, RemoteCall } from "./http-caller.js";
import { toPipelineRequest, toStepResults } from "./pipeline-batch.js";
import { readWholeAnswer } from "./read-whole-answer.js";
import type { RemoteAnswer } from "./remote-answer.js";

const PATH = "/v2/pipeline";
const CONTENT_TYPES = ["application/json"];

/** Runs a batch as Hrana's, and ends the stream it ran on. Rejects with `SyncError`. */
export async function runPipelineBatch(
  caller: HttpCaller,
  batch: RemoteBatch,
  signal: AbortSignal | undefined,
): Promise<readonly RemoteStepResult[]> {
  const closesStream = caller.keepsStreams;
  const call: RemoteCall = {
    path: PATH,
    contentTypes: CONTENT_TYPES,
    body: encodeBatch(batch, closesStream),
    isRepeatable: batch.repeatable,
    extraTimeMs: 0,
    signal,
  };
  const { baton, results } = await caller.call(call, async (answer) => {
    const response = await readResponse(answer, caller.settings.maxAnswerBytes);
    try {
      if (response.results.length !== (closesStream ? 2 : 1)) {
        throw answer.error("malformed-response", `answered with ${response.results.length} results`);
      }
      return { baton: response.baton, results: readResults(answer, response, batch.steps.length) };
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw answer.error("malformed-response", `sent a value that is none: ${error.message}`, error);
    }
  });
  if (baton !== null) {
    // From now on in the batch's own request: that saves the second one.
    caller.keepsStreams = true;
    await closeStream(caller, call, baton);
  }
  return results;
}

function encodeBatch(batch: RemoteBatch, closesStream: boolean): Uint8Array {
  try {
    return Buffer.from(stringifyPipelineRequest(toPipelineRequest(batch, closesStream)));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new SyncError("internal", `A batch cannot be sent: ${error.message}.`, { cause: error });
  }
}

async function readResponse(answer: RemoteAnswer, maxBytes: number): Promise<HranaPipelineResponse> {
  const body = await readWholeAnswer(answer, maxBytes);
  try {
    return parsePipelineResponse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw answer.error("malformed-response", `sent what cannot be read: ${reason}`, error);
  }
}

function readResults(
  answer: RemoteAnswer,
  response: HranaPipelineResponse,
  stepCount: number,
): RemoteStepResult[] {
  const [result] = response.results;
  if (result === undefined) throw answer.error("malformed-response", "answered without a result");
  if (result.type === "error") {
    const { message, code, extended_code } = result.error;
    const sqlCode = extended_code ?? code;
    throw new SyncError("remote-sql-failed", `${answer.endpoint} could not run the statements: ${message}`, {
      endpoint: answer.endpoint,
      ...(sqlCode === null ? {} : { sqlCode }),
    });
  }
  if (result.response.type !== "batch") {
    throw answer.error("malformed-response", `answered a batch with the result of a ${result.response.type}`);
  }
  const steps = toStepResults(result.response.result);
  if (steps.length === stepCount) return steps;
  throw answer.error("malformed-response", `answered ${stepCount} steps with ${steps.length} results`);
}

/**
 * Remotes that keep the stream keep its transaction and its locks too, until it expires. Closing it is waited for, so that
 * the next request does not meet these locks; it may fail, since what the batch did is known by now.
 */
async function closeStream(caller: HttpCaller, call: RemoteCall, baton: string): Promise<void> {
  const body = Buffer.from(stringifyPipelineRequest({ baton, requests: [{ type: "close" }] }));
  await caller
    .call({ ...call, body, isRepeatable: false }, async (answer) => {
      await readResponse(answer, caller.settings.maxAnswerBytes);
    })
    .catch(() => {});
}
