import type { HranaPipelineRequest, HranaStreamResult } from "@tributary/wire";
import { parsePipelineRequest, stringifyPipelineResponse, WireError } from "@tributary/wire";
import type { ServerDatabase } from "../database/server-database.js";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { StreamEntry, StreamRegistry } from "../hrana/stream-registry.js";
import { TimeSlice } from "../hrana/time-slice.js";
import { checkJsonContent, checkOrigin } from "../http/check-origin.js";
import { readBody } from "../http/read-body.js";
import { jsonResponse, textResponse } from "../http/text-response.js";
import { ResponseBudget } from "../sql/response-budget.js";

/** `POST /v2/pipeline`: Hrana over HTTP, JSON. */
export async function answerPipeline(
  database: ServerDatabase,
  streams: StreamRegistry,
  request: Request,
): Promise<Response> {
  const { maxBodyBytes, allowedOrigins } = database.options;
  checkOrigin(request, allowedOrigins);
  checkJsonContent(request);
  const body = await readBody(request, maxBodyBytes);
  database.assertUsable();
  try {
    const { baton, requests } = parse(body);
    const isOneShot = requests.at(-1)?.type === "close";
    const entry = baton == null ? streams.open(isOneShot) : streams.resume(baton);
    return jsonResponse(200, await runPipeline(database, streams, entry, requests));
  } catch (error) {
    if (error instanceof HranaRequestError) return errorResponse(error);
    throw error;
  }
}

/** Gives the answer's JSON. Whatever happens, the stream is suspended or closed at the end: it may hold the write lock. */
async function runPipeline(
  database: ServerDatabase,
  streams: StreamRegistry,
  entry: StreamEntry,
  requests: HranaPipelineRequest["requests"],
): Promise<string> {
  const { maxResponseBytes } = database.options;
  const budget = new ResponseBudget(maxResponseBytes);
  const slice = new TimeSlice();
  const results: HranaStreamResult[] = [];
  try {
    for (const request of requests) {
      const turn = slice.giveWay();
      if (turn !== undefined) await turn;
      results.push(await entry.stream.handle(request, budget, slice));
    }
    const baton = streams.suspend(entry);
    return stringifyPipelineResponse({ baton, base_url: null, results });
  } catch (error) {
    streams.close(entry);
    throw error;
  } finally {
    // Whatever was committed is told to those who wait for it, before the writer has its answer.
    database.trySync();
  }
}

function errorResponse({ message, code, status }: HranaRequestError): Response {
  const response =
    code === undefined
      ? textResponse(status, message)
      : jsonResponse(status, JSON.stringify({ message, code, error: message }));
  if (status === 503) response.headers.set("retry-after", "1");
  return response;
}

function parse(body: Uint8Array): HranaPipelineRequest {
  try {
    return parsePipelineRequest(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    if (error instanceof WireError || error instanceof TypeError) throw new HranaRequestError(error.message);
    throw error;
  }
}
