import { ProtobufReader } from "../framing/protobuf-reader.js";
import type { HranaPipelineRequest, HranaStreamRequest } from "./hrana-types.js";
import { readMember } from "./read-request.js";
import { type RequestParts, readRequestParts, toStreamRequest } from "./read-request-parts.js";
import { type HranaReadOptions, StatementCount } from "./statement-count.js";

/** As `parsePipelineRequest`, for protobuf. A float may be any, also one that is not finite. */
export function decodePipelineRequest(bytes: Uint8Array, options?: HranaReadOptions): HranaPipelineRequest {
  const reader = new ProtobufReader(bytes);
  const count = new StatementCount(options);
  let baton: string | null = null;
  const requests: HranaStreamRequest[] = [];
  while (reader.next()) {
    if (reader.field === 1) baton = reader.string("baton");
    else if (reader.field === 2) {
      count.add();
      requests.push(readMember(reader, "requests", () => readRequest(reader, count), requests.length));
    } else reader.skip();
  }
  return { baton, requests };
}

/** Types of requests by their fields in `StreamRequest`, and the fields of each. */
const REQUESTS: Readonly<
  Record<number, readonly [HranaStreamRequest["type"], readonly (keyof RequestParts)[]]>
> = {
  1: ["close", []],
  2: ["execute", ["stmt"]],
  3: ["batch", ["batch"]],
  4: ["sequence", ["sql", "sql_id"]],
  5: ["describe", ["sql", "sql_id"]],
  6: ["store_sql", ["sql_id", "sql"]],
  7: ["close_sql", ["sql_id"]],
  8: ["get_autocommit", []],
};

function readRequest(reader: ProtobufReader, count: StatementCount): HranaStreamRequest {
  let request: HranaStreamRequest | undefined;
  while (reader.next()) {
    const found = REQUESTS[reader.field];
    if (found === undefined) {
      reader.skip();
      continue;
    }
    const [type, names] = found;
    request = readMember(reader, type, () =>
      toStreamRequest(type, readRequestParts(reader, names, count), reader),
    );
  }
  return request ?? reader.fail("a request of a type that is known");
}
