import { ProtobufReader } from "../framing/protobuf-reader.js";
import type { HranaBatch, HranaCursorRequest } from "./hrana-types.js";
import { readBatch, readMember } from "./read-request.js";
import { type HranaReadOptions, StatementCount } from "./statement-count.js";

/** As `parseCursorRequest`, for protobuf. A float may be any, also one that is not finite. */
export function decodeCursorRequest(bytes: Uint8Array, options?: HranaReadOptions): HranaCursorRequest {
  const reader = new ProtobufReader(bytes);
  const count = new StatementCount(options);
  count.add();
  let baton: string | null = null;
  let batch: HranaBatch | undefined;
  while (reader.next()) {
    if (reader.field === 1) baton = reader.string("baton");
    else if (reader.field === 2) batch = readMember(reader, "batch", () => readBatch(reader, count));
    else reader.skip();
  }
  return { baton, batch: batch ?? reader.fail("a request with a batch") };
}
