import type { HranaPipelineRequest, HranaStreamResult } from "@tributary/wire";
import { parsePipelineRequest, stringifyPipelineResponse, WireError } from "@tributary/wire";
import type { ServerDatabase } from "../database/server-database.js";
import { HranaRequestError } from "../hrana/hrana-request-error.js";
import type { StreamEntry, StreamRegistry } from "../hrana/stream-registry.js";
import { readBody } from "../http/read-body.js";
import { jsonResponse, textResponse } from "../http/text-response.js";

/** `POST /v2/pipeline`: Hrana over HTTP, JSON. */
export async function answerPipeline(
  database: ServerDatabase,
  streams: StreamRegistry,
  request: Request,
): Promise<Response> {
  const body = await readBody(request, database.options.maxBodyBytes);
  try {
    const { baton, requests } = parse(body);
    const entry = baton == null ? streams.open() : streams.resume(baton);
    const results = await runPipeline(database, streams, entry, requests);
    const next = streams.suspend(entry);
    return jsonResponse(200, stringifyPipelineResponse({ baton: next, base_url: null, results }));
  } catch (error) {
    if (!(error instanceof HranaRequestError)) throw error;
    const { message, code } = error;
    if (code === undefined) return textResponse(400, message);
    return jsonResponse(400, JSON.stringify({ message, code, error: message }));
  }
}

async function runPipeline(
  database: ServerDatabase,
  streams: StreamRegistry,
  entry: StreamEntry,
  requests: HranaPipelineRequest["requests"],
): Promise<HranaStreamResult[]> {
  const results: HranaStreamResult[] = [];
  try {
    for (const request of requests) results.push(await entry.stream.handle(request));
  } catch (error) {
    streams.close(entry);
    throw error;
  } finally {
    // Whatever was committed is told to those who wait for it, before the writer has its answer.
    database.sync();
  }
  return results;
}

function parse(body: Uint8Array): HranaPipelineRequest {
  try {
    return parsePipelineRequest(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    if (error instanceof WireError || error instanceof TypeError) throw new HranaRequestError(error.message);
    throw error;
  }
}
