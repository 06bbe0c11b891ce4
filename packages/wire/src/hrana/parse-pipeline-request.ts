import { REQUEST_CHECKS } from "./check-request.js";
import type { HranaPipelineRequest, HranaStreamRequest } from "./hrana-types.js";
import { JsonCursor, nullableString } from "./json-cursor.js";
import { type HranaReadOptions, StatementCount } from "./statement-count.js";

/**
 * Reads the body of a pipeline request: its text, or the document if it has been parsed already. Every part of it is
 * checked and is then what its type says, but for fields that Hrana does not know: they stay, unread. Whether the order
 * of the requests makes sense is not looked at. Throws `WireError` that names the place, as `requests[0].stmt.args[2]`.
 */
export function parsePipelineRequest(json: unknown, options?: HranaReadOptions): HranaPipelineRequest {
  const cursor = new JsonCursor(new StatementCount(options));
  const body = cursor.object(typeof json === "string" ? JsonCursor.parse(json) : json);
  const baton = cursor.member(body, "baton", nullableString);
  const requests = cursor.member(body, "requests", (list) => cursor.elements(list, checkRequest));
  return { baton, requests: requests as readonly HranaStreamRequest[] };
}

function checkRequest(value: unknown, cursor: JsonCursor): void {
  cursor.statements.add();
  const request = cursor.object(value);
  const check = CHECKS.get(request.type);
  if (check === undefined) cursor.member(request, "type", (type) => cursor.fail("a type of request", type));
  else check(request, cursor);
}

const CHECKS: ReadonlyMap<unknown, (typeof REQUEST_CHECKS)["close"]> = new Map(
  Object.entries(REQUEST_CHECKS),
);
