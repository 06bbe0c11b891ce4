import { ProtobufWriter } from "../framing/protobuf-writer.js";
import type { HranaError } from "../hrana/hrana-types.js";
import type { SqlValue } from "../hrana/hrana-value.js";
import { encodeProxyValue } from "./proxy-value.js";
import { sqliteResultCode } from "./sqlite-result-codes.js";

// Answers of the service `proxy.Proxy` of libSQL: libsql-replication/proto/proxy.proto.

interface ProxyColumn {
  readonly name: string;
  readonly declaredType: string | null;
}

/** What a step gave. One that was skipped gives no rows: the client would end its process where there is nothing. */
export type ProxyStepResult =
  | {
      readonly type: "rows";
      readonly columns: readonly ProxyColumn[];
      readonly rows: readonly (readonly SqlValue[])[];
      readonly affectedRows: number;
      readonly lastInsertRowid: bigint | null;
    }
  | { readonly type: "error"; readonly error: HranaError };

/** What can be told of a statement. */
export interface ProxyDescription {
  readonly columns: readonly ProxyColumn[];
  /** Null for those without a name. */
  readonly parameters: readonly (string | null)[];
}

/** Values of the enumerations `State` and `Error.ErrorCode`. */
const IN_TRANSACTION = 2;
const SQL_ERROR = 0;
const BUSY = 1;
const TIMEOUT = 2;
/** Of `current_frame_no`. */
const CURRENT_FRAME = 3;

/** The message `ExecuteResults`, but for the frame: see {@link encodeCurrentFrame}. Throws `WireError` `too-long`. */
export function encodeProxyResults(
  results: readonly ProxyStepResult[],
  isAutocommit: boolean,
): Uint8Array<ArrayBuffer> {
  return new ProtobufWriter().encode((writer) => {
    for (const result of results) {
      const start = writer.open(1);
      if (result.type === "error") writeError(result.error, writer, codeOf(result.error));
      else writeRows(result, writer);
      writer.close(start);
    }
    if (!isAutocommit) writer.uint(2, IN_TRANSACTION);
  });
}

/** The newest frame, as a part of the message `ExecuteResults` that may be put behind the rest of it. */
export function encodeCurrentFrame(frame: bigint): Uint8Array<ArrayBuffer> {
  return new ProtobufWriter().encode((writer) => writer.int64(CURRENT_FRAME, frame));
}

/**
 * The message `DescribeResult`. `namesFromOne`: for clients that look for the name of the first parameter in the second place
 * of the list, which are those up to 0.9.30, and end their process where there is none
 * (https://github.com/tursodatabase/libsql/issues/2010).
 */
export function encodeProxyDescription(
  described: ProxyDescription | HranaError,
  namesFromOne: boolean,
): Uint8Array<ArrayBuffer> {
  return new ProtobufWriter().encode((writer) => {
    if ("message" in described) {
      // Of this error, and of no other, clients read the code as one of SQLite.
      writeError(described, writer, resultCodeOf(described) & 0xff);
      return;
    }
    const start = writer.open(2);
    writeColumns(described.columns, writer);
    if (namesFromOne) writer.string(2, "?0");
    // One for each, in their order. Clients take the first character of a name off, so that it must have one.
    for (const [index, name] of described.parameters.entries()) writer.string(2, name ?? `?${index + 1}`);
    writer.uint(3, described.parameters.length);
    writer.close(start);
  });
}

function writeRows(result: Extract<ProxyStepResult, { type: "rows" }>, writer: ProtobufWriter): void {
  const start = writer.open(2);
  writeColumns(result.columns, writer);
  for (const row of result.rows) {
    const rowStart = writer.open(2);
    for (const value of row) {
      const valueStart = writer.open(1);
      writer.bytes(1, encodeProxyValue(value));
      writer.close(valueStart);
    }
    writer.close(rowStart);
  }
  if (result.affectedRows !== 0) writer.uint(3, result.affectedRows);
  if (result.lastInsertRowid !== null) writer.int64(4, result.lastInsertRowid);
  writer.close(start);
}

function writeColumns(columns: readonly ProxyColumn[], writer: ProtobufWriter): void {
  for (const { name, declaredType } of columns) {
    const start = writer.open(1);
    writer.string(1, name);
    if (declaredType !== null) writer.string(3, declaredType);
    writer.close(start);
  }
}

function writeError(error: HranaError, writer: ProtobufWriter, code: number): void {
  const start = writer.open(1);
  if (code !== 0) writer.uint(1, code);
  writer.string(2, error.message);
  writer.int32(3, resultCodeOf(error));
  writer.close(start);
}

function codeOf({ code }: HranaError): number {
  if (code === "SQLITE_BUSY") return BUSY;
  return code === "TRANSACTION_TIMEOUT" ? TIMEOUT : SQL_ERROR;
}

function resultCodeOf({ code, extended_code }: HranaError): number {
  return sqliteResultCode(extended_code ?? code ?? "");
}
