import { readFileSync } from "node:fs";
import {
  decodeHranaValue,
  type HranaBatch,
  type HranaBatchResult,
  type HranaCondition,
  type HranaCursorEntry,
  type HranaDescribeResult,
  type HranaError,
  type HranaNamedArg,
  type HranaSocketRequest,
  type HranaSqlSource,
  type HranaStmt,
  type HranaStmtResult,
  type HranaStreamRequest,
  type HranaStreamResponse,
  type HranaValue,
} from "@tributary/wire";
import protobuf from "protobufjs";

// The messages of proto/hrana.proto as protobufjs makes them from it: what is written by hand is compared with that.

const { root } = protobuf.parse(
  readFileSync(new URL("../../../proto/hrana.proto", import.meta.url), "utf8"),
  { keepCase: true },
);

/** The bytes of a message. */
export function encodeProto(name: string, message: object): Uint8Array {
  const type = root.lookupType(`tributary.hrana.${name}`);
  return new Uint8Array(type.encode(type.fromObject(message)).finish());
}

/** The message of bytes, as plain objects: what is not there is absent, 64-bit numbers are decimal strings. */
export function decodeProto(name: string, bytes: Uint8Array): object {
  const type = root.lookupType(`tributary.hrana.${name}`);
  return type.toObject(type.decode(bytes), { longs: String });
}

function protoValue(value: HranaValue): object {
  switch (value.type) {
    case "null":
      return { null: {} };
    case "blob":
      return { blob: decodeHranaValue(value) };
    default:
      return { [value.type]: value.value };
  }
}

function protoNamedArg({ name, value }: HranaNamedArg): object {
  return { name, value: protoValue(value) };
}

export function protoStmt({ args, named_args, ...rest }: HranaStmt): object {
  return { ...rest, args: args?.map(protoValue), named_args: named_args?.map(protoNamedArg) };
}

function protoCondition(condition: HranaCondition): object {
  switch (condition.type) {
    case "ok":
    case "error":
      return { [`step_${condition.type}`]: condition.step };
    case "not":
      return { not: protoCondition(condition.cond) };
    case "and":
    case "or":
      return { [condition.type]: { conds: condition.conds.map(protoCondition) } };
    case "is_autocommit":
      return { is_autocommit: {} };
  }
}

export function protoBatch({ steps }: HranaBatch): object {
  return {
    steps: steps.map(({ condition, stmt }) => ({
      ...(condition == null ? {} : { condition: protoCondition(condition) }),
      stmt: protoStmt(stmt),
    })),
  };
}

/** The message inside that of a request: what is beside its type. */
export function protoRequest(request: HranaStreamRequest | HranaSocketRequest): object {
  const { type, ...rest } = request as {
    type: string;
    stmt?: HranaStmt;
    batch?: HranaBatch;
  } & HranaSqlSource;
  const { stmt, batch } = rest;
  return {
    [type]: {
      ...rest,
      ...(stmt === undefined ? {} : { stmt: protoStmt(stmt) }),
      ...(batch === undefined ? {} : { batch: protoBatch(batch) }),
    },
  };
}

function protoError({ message, code }: HranaError): object {
  return withoutNull({ message, code });
}

function protoStmtResult(result: HranaStmtResult): object {
  return withoutNull({
    ...result,
    cols: result.cols.map(withoutNull),
    rows: result.rows.map(protoRow),
  });
}

function protoRow(row: readonly HranaValue[]): object {
  return { values: row.map(protoValue) };
}

function protoBatchResult({ step_results, step_errors }: HranaBatchResult): object {
  return {
    step_results: toMap(step_results, protoStmtResult),
    step_errors: toMap(step_errors, protoError),
  };
}

function protoDescribeResult({ params, cols, ...rest }: HranaDescribeResult): object {
  return { ...rest, params: params.map(withoutNull), cols: cols.map(withoutNull) };
}

/** `ExecuteResp` and so on. */
export function protoResponse(response: HranaStreamResponse): object {
  switch (response.type) {
    case "execute":
      return { result: protoStmtResult(response.result) };
    case "batch":
      return { result: protoBatchResult(response.result) };
    case "describe":
      return { result: protoDescribeResult(response.result) };
    case "get_autocommit":
      return { is_autocommit: response.is_autocommit };
    default:
      return {};
  }
}

export function protoCursorEntry(entry: HranaCursorEntry): object {
  switch (entry.type) {
    case "step_begin":
      return { step_begin: { step: entry.step, cols: entry.cols.map(withoutNull) } };
    case "row":
      return { row: protoRow(entry.row) };
    case "step_end": {
      const { type, ...end } = entry;
      return { [type]: withoutNull(end) };
    }
    case "step_error":
      return { step_error: { step: entry.step, error: protoError(entry.error) } };
    case "error":
      return { error: protoError(entry.error) };
  }
}

export { protoError };

function toMap<T>(list: readonly (T | null)[], convert: (element: T) => object): object {
  return Object.fromEntries(
    list.flatMap((element, index) => (element === null ? [] : [[index, convert(element)]])),
  );
}

function withoutNull(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}
