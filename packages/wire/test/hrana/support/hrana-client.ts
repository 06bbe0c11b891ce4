import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import {
  decodeHranaValue,
  type HranaBatch,
  type HranaCondition,
  type HranaCursorEntry,
  type HranaError,
  type HranaSocketRequest,
  type HranaStmt,
  type HranaStmtResult,
  type HranaStreamRequest,
  type HranaStreamResponse,
  type HranaStreamResult,
} from "@tributary/wire";

// The codecs of @libsql/hrana-client, which its package does not export: they are found by path. What they take and give
// has names of its own; the functions below bring ours into that form.

const folder = new URL(
  "../lib-esm/",
  pathToFileURL(createRequire(import.meta.url).resolve("@libsql/hrana-client")),
);

async function load(path: string): Promise<Record<string, unknown>> {
  return (await import(new URL(path, folder).href)) as Record<string, unknown>;
}

const jsonEncode = (await load("encoding/json/encode.js")) as {
  writeJsonObject(message: unknown, type: unknown): string;
};
const jsonDecode = (await load("encoding/json/decode.js")) as {
  readJsonObject(message: unknown, type: unknown): unknown;
};
const protobufEncode = (await load("encoding/protobuf/encode.js")) as {
  writeProtobufMessage(message: unknown, type: unknown): Uint8Array;
};
const protobufDecode = (await load("encoding/protobuf/decode.js")) as {
  readProtobufMessage(bytes: Uint8Array, type: unknown): unknown;
};
const types = {
  json: { ...(await load("http/json_encode.js")), ...(await load("ws/json_encode.js")) },
  protobuf: { ...(await load("http/protobuf_encode.js")), ...(await load("ws/protobuf_encode.js")) },
  fromJson: {
    ...(await load("shared/json_decode.js")),
    ...(await load("http/json_decode.js")),
    ...(await load("ws/json_decode.js")),
  },
  fromProtobuf: {
    ...(await load("shared/protobuf_decode.js")),
    ...(await load("http/protobuf_decode.js")),
    ...(await load("ws/protobuf_decode.js")),
  },
};

/** A request as the client sends it. */
export function writeJson(type: string, message: object): string {
  return jsonEncode.writeJsonObject(message, types.json[type]);
}

export function writeProtobuf(type: string, message: object): Uint8Array {
  return protobufEncode.writeProtobufMessage(message, types.protobuf[type]);
}

/** An answer as the client understands it. */
export function readJson(type: string, text: string): unknown {
  return jsonDecode.readJsonObject(JSON.parse(text), types.fromJson[type]);
}

export function readProtobuf(type: string, bytes: Uint8Array): unknown {
  return protobufDecode.readProtobufMessage(bytes, types.fromProtobuf[type]);
}

function clientStmt({ sql, sql_id, args, named_args, want_rows }: HranaStmt): object {
  return {
    sql: sql ?? undefined,
    sqlId: sql_id ?? undefined,
    args: (args ?? []).map(decodeHranaValue),
    namedArgs: (named_args ?? []).map(({ name, value }) => ({ name, value: decodeHranaValue(value) })),
    wantRows: want_rows ?? true,
  };
}

function clientCondition(condition: HranaCondition): object {
  if (condition.type === "not") return { type: "not", cond: clientCondition(condition.cond) };
  if (condition.type !== "and" && condition.type !== "or") return condition;
  return { type: condition.type, conds: condition.conds.map(clientCondition) };
}

export function clientBatch({ steps }: HranaBatch): object {
  return {
    steps: steps.map(({ condition, stmt }) => ({
      condition: condition == null ? undefined : clientCondition(condition),
      stmt: clientStmt(stmt),
    })),
  };
}

export function clientRequest(request: HranaStreamRequest | HranaSocketRequest): object {
  const converted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(request)) {
    if (key === "stmt") converted.stmt = clientStmt(value as HranaStmt);
    else if (key === "batch") converted.batch = clientBatch(value as HranaBatch);
    else converted[key.replace(/_(.)/, (_, letter: string) => letter.toUpperCase())] = value;
  }
  return converted;
}

export function clientError({ message, code }: HranaError): object {
  return { message, code: code ?? undefined };
}

function clientStmtResult(result: HranaStmtResult): object {
  return {
    cols: result.cols.map(clientCol),
    rows: result.rows.map((row) => row.map(decodeHranaValue)),
    affectedRowCount: result.affected_row_count,
    lastInsertRowid: clientRowid(result.last_insert_rowid),
  };
}

function clientCol({ name, decltype }: { name: string | null; decltype: string | null }): object {
  return { name: name ?? undefined, decltype: decltype ?? undefined };
}

function clientRowid(rowid: string | null): bigint | undefined {
  return rowid === null ? undefined : BigInt(rowid);
}

export function clientResponse(response: HranaStreamResponse): object {
  switch (response.type) {
    case "execute":
      return { type: "execute", result: clientStmtResult(response.result) };
    case "batch": {
      const { step_results, step_errors } = response.result;
      return {
        type: "batch",
        result: {
          stepResults: toMap(step_results, clientStmtResult),
          stepErrors: toMap(step_errors, clientError),
        },
      };
    }
    case "describe": {
      const { params, cols, is_explain, is_readonly } = response.result;
      return {
        type: "describe",
        result: {
          params: params.map(({ name }) => ({ name: name ?? undefined })),
          cols: cols.map(clientCol),
          isExplain: is_explain,
          isReadonly: is_readonly,
        },
      };
    }
    case "get_autocommit":
      return { type: "get_autocommit", isAutocommit: response.is_autocommit };
    default:
      return response;
  }
}

export function clientResult(result: HranaStreamResult): object {
  return result.type === "ok"
    ? { type: "ok", response: clientResponse(result.response) }
    : { type: "error", error: clientError(result.error) };
}

export function clientEntry(entry: HranaCursorEntry): object {
  switch (entry.type) {
    case "step_begin":
      return { ...entry, cols: entry.cols.map(clientCol) };
    case "row":
      return { type: "row", row: entry.row.map(decodeHranaValue) };
    case "step_end":
      return {
        type: "step_end",
        affectedRowCount: entry.affected_row_count,
        lastInsertRowid: clientRowid(entry.last_insert_rowid),
      };
    case "step_error":
      return { ...entry, error: clientError(entry.error) };
    case "error":
      return { type: "error", error: clientError(entry.error) };
  }
}

function toMap<T>(list: readonly (T | null)[], convert: (element: T) => object): Map<number, object> {
  return new Map(
    [...list.entries()].flatMap(([index, element]) => (element === null ? [] : [[index, convert(element)]])),
  );
}
