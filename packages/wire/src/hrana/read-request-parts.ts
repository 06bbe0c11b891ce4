import type { ProtobufReader } from "../framing/protobuf-reader.js";
import type { HranaBatch, HranaStmt, HranaStreamRequest } from "./hrana-types.js";
import { checkSqlSource, readBatch, readMember, readStmt } from "./read-request.js";
import type { StatementCount } from "./statement-count.js";

/** What a request may have beside its type. */
export interface RequestParts {
  stmt?: HranaStmt;
  batch?: HranaBatch;
  sql?: string;
  sql_id?: number;
  stream_id?: number;
  cursor_id?: number;
  max_count?: number;
}

/** Reads the message of a request. `names`: of its fields, whose numbers count from one. */
export function readRequestParts(
  reader: ProtobufReader,
  names: readonly (keyof RequestParts)[],
  count: StatementCount,
): RequestParts {
  const parts: RequestParts = {};
  while (reader.next()) {
    const name = names[reader.field - 1];
    switch (name) {
      case undefined:
        reader.skip();
        break;
      case "stmt":
        parts.stmt = readMember(reader, name, readStmt);
        break;
      case "batch":
        parts.batch = readMember(reader, name, (batch) => readBatch(batch, count));
        break;
      case "sql":
        parts.sql = reader.string(name);
        break;
      case "max_count":
        parts.max_count = reader.uint32(name);
        break;
      default:
        parts[name] = reader.int32(name);
    }
  }
  return parts;
}

/** The request of a stream that has these parts. The reader still stands in its message. */
export function toStreamRequest(
  type: HranaStreamRequest["type"],
  parts: RequestParts,
  reader: ProtobufReader,
): HranaStreamRequest {
  switch (type) {
    case "execute":
      return { type, stmt: parts.stmt ?? reader.fail("a request with a stmt") };
    case "batch":
      return { type, batch: requireBatch(parts, reader) };
    case "sequence":
    case "describe": {
      const { sql, sql_id } = checkSqlSource(reader, parts);
      return sql === undefined ? { type, sql_id: sql_id as number } : { type, sql };
    }
    // A number or a text that is not there is 0 or "": protobuf does not write these.
    case "store_sql":
      return { type, sql_id: parts.sql_id ?? 0, sql: parts.sql ?? "" };
    case "close_sql":
      return { type, sql_id: parts.sql_id ?? 0 };
    case "close":
    case "get_autocommit":
      return { type };
  }
}

export function requireBatch({ batch }: RequestParts, reader: ProtobufReader): HranaBatch {
  return batch ?? reader.fail("a request with a batch");
}
