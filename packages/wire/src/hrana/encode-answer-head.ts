import type { HranaPipelineResponse } from "./hrana-types.js";
import { encodeProtobuf } from "./hrana-writer.js";

/** What stands beside the results of an answer. */
export type HranaAnswerHead = Pick<HranaPipelineResponse, "baton" | "base_url">;

/** `CursorRespBody`, which are also the first fields of `PipelineRespBody`. */
export function encodeAnswerHead({ baton, base_url }: HranaAnswerHead): Uint8Array<ArrayBuffer> {
  return encodeProtobuf((writer) => {
    if (baton !== null) writer.string(1, baton);
    if (base_url !== null) writer.string(2, base_url);
  });
}
