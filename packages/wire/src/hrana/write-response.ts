import type { ProtobufWriter } from "../framing/protobuf-writer.js";
import { decodeBase64 } from "./base64.js";
import type {
  HranaBatchResult,
  HranaCol,
  HranaCursorEntry,
  HranaDescribeResult,
  HranaError,
  HranaStmtResult,
  HranaStreamResponse,
  HranaValue,
} from "./hrana-types.js";

// What proto/hrana.proto has for the answers, written by hand: rows are nearly all of it. Zeros and empty strings are left
// out where the field is neither optional nor one of several.

/** The fields of the message inside a response: of `ExecuteStreamResp` and so on. */
export function writeResponse(response: HranaStreamResponse, writer: ProtobufWriter): void {
  switch (response.type) {
    case "execute":
      writeMessage(writer, 1, response.result, writeStmtResult);
      break;
    case "batch":
      writeMessage(writer, 1, response.result, writeBatchResult);
      break;
    case "describe":
      writeMessage(writer, 1, response.result, writeDescribeResult);
      break;
    case "get_autocommit":
      if (response.is_autocommit) writer.bool(1, true);
      break;
  }
}

export function writeError(error: HranaError, writer: ProtobufWriter): void {
  if (error.message !== "") writer.string(1, error.message);
  if (error.code !== null) writer.string(2, error.code);
}

export function writeCursorEntry(entry: HranaCursorEntry, writer: ProtobufWriter): void {
  switch (entry.type) {
    case "step_begin":
      writeMessage(writer, 1, entry, (begin) => {
        if (begin.step !== 0) writer.uint(1, begin.step);
        writeCols(begin.cols, 2, writer);
      });
      break;
    case "step_end":
      writeMessage(writer, 2, entry, (end) => {
        if (end.affected_row_count !== 0) writer.uint(1, end.affected_row_count);
        if (end.last_insert_rowid !== null) writer.sint64(2, end.last_insert_rowid);
      });
      break;
    case "step_error":
      writeMessage(writer, 3, entry, ({ step, error }) => {
        if (step !== 0) writer.uint(1, step);
        writeMessage(writer, 2, error, writeError);
      });
      break;
    case "row":
      writeMessage(writer, 4, entry.row, writeRow);
      break;
    case "error":
      writeMessage(writer, 5, entry.error, writeError);
      break;
  }
}

/** A message as a field of another. */
export function writeMessage<T>(
  writer: ProtobufWriter,
  field: number,
  message: T,
  write: (message: T, writer: ProtobufWriter) => void,
): void {
  const start = writer.open(field);
  write(message, writer);
  writer.close(start);
}

function writeBatchResult(result: HranaBatchResult, writer: ProtobufWriter): void {
  writeSteps(result.step_results, 1, writer, writeStmtResult);
  writeSteps(result.step_errors, 2, writer, writeError);
}

/** A map by the number of the step, without the steps that have nothing. */
function writeSteps<T>(
  steps: readonly (T | null)[],
  field: number,
  writer: ProtobufWriter,
  write: (message: T, writer: ProtobufWriter) => void,
): void {
  for (const [index, step] of steps.entries()) {
    if (step === null) continue;
    const start = writer.open(field);
    writer.uint(1, index);
    writeMessage(writer, 2, step, write);
    writer.close(start);
  }
}

function writeStmtResult(result: HranaStmtResult, writer: ProtobufWriter): void {
  writeCols(result.cols, 1, writer);
  for (const row of result.rows) writeMessage(writer, 2, row, writeRow);
  if (result.affected_row_count !== 0) writer.uint(3, result.affected_row_count);
  if (result.last_insert_rowid !== null) writer.sint64(4, result.last_insert_rowid);
}

function writeCols(cols: readonly HranaCol[], field: number, writer: ProtobufWriter): void {
  for (const { name, decltype } of cols) {
    const start = writer.open(field);
    if (name !== null) writer.string(1, name);
    if (decltype !== null) writer.string(2, decltype);
    writer.close(start);
  }
}

function writeRow(row: readonly HranaValue[], writer: ProtobufWriter): void {
  for (const value of row) {
    const start = writer.open(1);
    writeValue(value, writer);
    writer.close(start);
  }
}

function writeValue(value: HranaValue, writer: ProtobufWriter): void {
  switch (value.type) {
    case "null":
      writer.empty(1);
      break;
    case "integer":
      writer.sint64(2, value.value);
      break;
    case "float":
      writer.double(3, value.value);
      break;
    case "text":
      writer.string(4, value.value);
      break;
    case "blob":
      writer.bytes(5, decodeBase64(value.base64));
      break;
  }
}

function writeDescribeResult(result: HranaDescribeResult, writer: ProtobufWriter): void {
  for (const { name } of result.params) {
    const start = writer.open(1);
    if (name !== null) writer.string(1, name);
    writer.close(start);
  }
  for (const { name, decltype } of result.cols) {
    const start = writer.open(2);
    if (name !== "") writer.string(1, name);
    if (decltype !== null) writer.string(2, decltype);
    writer.close(start);
  }
  if (result.is_explain) writer.bool(3, true);
  if (result.is_readonly) writer.bool(4, true);
}
