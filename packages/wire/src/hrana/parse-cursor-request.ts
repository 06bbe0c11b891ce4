import { checkBatch } from "./check-request.js";
import type { HranaBatch, HranaCursorRequest } from "./hrana-types.js";
import { JsonCursor, nullableString } from "./json-cursor.js";
import { type HranaReadOptions, StatementCount } from "./statement-count.js";

/**
 * Reads the body of a request for a cursor: its text, or the document if it has been parsed already. Checked as
 * `parsePipelineRequest` does it. The batch counts as one request. Throws `WireError` that names the place.
 */
export function parseCursorRequest(json: unknown, options?: HranaReadOptions): HranaCursorRequest {
  const cursor = new JsonCursor(new StatementCount(options));
  cursor.statements.add();
  const body = cursor.object(typeof json === "string" ? JsonCursor.parse(json) : json);
  const baton = cursor.member(body, "baton", nullableString);
  cursor.member(body, "batch", checkBatch);
  return { baton, batch: body.batch as HranaBatch };
}
