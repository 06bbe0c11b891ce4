import { encodeStreamResult, type HranaPipelineResponse, joinPipelineResponse } from "@tributary/wire";

/** The JSON of a whole answer. */
export function pipelineResponseText(response: HranaPipelineResponse): string {
  const results = response.results.map((result) =>
    encodeStreamResult(result.type === "ok" ? result.response.type : "execute", result, "json"),
  );
  return Buffer.from(joinPipelineResponse("json", response, results)).toString();
}
