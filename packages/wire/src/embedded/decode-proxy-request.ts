import { ProtobufReader } from "../framing/protobuf-reader.js";
import { decodeUtf8 } from "../framing/utf8.js";
import type { HranaCondition } from "../hrana/hrana-types.js";
import type { SqlValue } from "../hrana/hrana-value.js";
import { readMember } from "../hrana/read-request.js";
import type { HranaReadOptions } from "../hrana/statement-count.js";
import { StatementCount } from "../hrana/statement-count.js";
import { WireError } from "../wire-error.js";
import { decodeProxyValue } from "./proxy-value.js";
import { readProxyCondition } from "./read-proxy-condition.js";

// Messages of the service `proxy.Proxy` of libSQL: libsql-replication/proto/proxy.proto.

/** A statement of a program. */
export interface ProxyStep {
  readonly sql: string;
  readonly condition: HranaCondition | undefined;
  readonly positional: readonly SqlValue[];
  readonly named: readonly { readonly name: string; readonly value: SqlValue }[];
  readonly wantRows: boolean;
}

/** Longer messages are not looked through, bytes: whoever asks may have to answer others meanwhile. */
const LONG_BYTES = 1024 * 1024;
/** Clients call themselves by a UUID. */
const MAX_CLIENT_BYTES = 1024;

/**
 * Whose connection a request is for: of `ProgramReq`, `DescribeRequest` or `DisconnectMessage`; empty where it is not said.
 * Beyond 1 MiB it is found only where it comes first, as clients write it. Throws `WireError`.
 */
export function findProxyClient(bytes: Uint8Array): string {
  const reader = new ProtobufReader(bytes);
  let client = "";
  while (reader.next()) {
    if (reader.field === 1) client = readClient(reader);
    else if (bytes.length <= LONG_BYTES) reader.skip();
    if (bytes.length > LONG_BYTES) break;
  }
  return client;
}

function readClient(reader: ProtobufReader): string {
  const bytes = reader.bytes("client_id");
  if (bytes.length > MAX_CLIENT_BYTES) reader.fail(`at most ${MAX_CLIENT_BYTES} bytes`, "client_id");
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw new WireError("malformed", "client_id should be UTF-8", { cause: error });
  }
}

/** The statement of a `DescribeRequest`. Throws `WireError`. */
export function decodeProxyDescribe(bytes: Uint8Array): string {
  const reader = new ProtobufReader(bytes);
  let sql = "";
  while (reader.next()) {
    if (reader.field === 2) sql = reader.string("stmt");
    else reader.skip();
  }
  return sql;
}

/** The steps of a `ProgramReq`. Throws `WireError`. */
export function decodeProxyProgram(bytes: Uint8Array, options?: HranaReadOptions): readonly ProxyStep[] {
  const reader = new ProtobufReader(bytes);
  const count = new StatementCount(options);
  let steps: readonly ProxyStep[] = [];
  while (reader.next()) {
    if (reader.field === 2) steps = readMember(reader, "pgm", () => readProgram(reader, count));
    else reader.skip();
  }
  return steps;
}

function readProgram(reader: ProtobufReader, count: StatementCount): readonly ProxyStep[] {
  const steps: ProxyStep[] = [];
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    count.add();
    const index = steps.length;
    steps.push(readMember(reader, "steps", () => readStep(reader, index), index));
  }
  return steps;
}

function readStep(reader: ProtobufReader, index: number): ProxyStep {
  let condition: HranaCondition | undefined;
  let query: Omit<ProxyStep, "condition"> | undefined;
  while (reader.next()) {
    if (reader.field === 1)
      condition = readMember(reader, "cond", () => readProxyCondition(reader, index, 1));
    else if (reader.field === 2) query = readMember(reader, "query", () => readQuery(reader));
    else reader.skip();
  }
  return query === undefined ? reader.fail("a step with a query") : { ...query, condition };
}

function readQuery(reader: ProtobufReader): Omit<ProxyStep, "condition"> {
  let sql = "";
  let wantRows = true;
  let positional: readonly SqlValue[] = [];
  let named: ProxyStep["named"] = [];
  while (reader.next()) {
    if (reader.field === 1) sql = reader.string("stmt");
    else if (reader.field === 2) {
      positional = readMember(reader, "positional", () => readArguments(reader, 1).values);
      named = [];
    } else if (reader.field === 3) {
      named = readMember(reader, "named", () => readNamed(reader));
      positional = [];
    } else if (reader.field === 4) wantRows = !reader.bool("skip_rows");
    else reader.skip();
  }
  return { sql, positional, named, wantRows };
}

function readNamed(reader: ProtobufReader): ProxyStep["named"] {
  const { names, values } = readArguments(reader, 2);
  if (names.length !== values.length) reader.fail("as many names as values");
  return names.map((name, index) => ({ name, value: values[index] as SqlValue }));
}

/** `valuesField`: of the values; names, where there are any, are before them. */
function readArguments(reader: ProtobufReader, valuesField: number): { names: string[]; values: SqlValue[] } {
  const names: string[] = [];
  const values: SqlValue[] = [];
  while (reader.next()) {
    if (reader.field === valuesField) {
      values.push(readMember(reader, "values", () => readValue(reader), values.length));
    } else if (reader.field === 1) names.push(reader.string("names"));
    else reader.skip();
  }
  return { names, values };
}

function readValue(reader: ProtobufReader): SqlValue {
  let data: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) data = reader.bytes("data");
    else reader.skip();
  }
  if (data === undefined) return reader.fail("a value with data");
  try {
    return decodeProxyValue(data);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return reader.fail(`a value that can be read (${error.message})`);
  }
}
