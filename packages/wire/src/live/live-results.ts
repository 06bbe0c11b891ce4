import { ByteReader } from "../framing/byte-reader.js";
import { ByteWriter } from "../framing/byte-writer.js";
import { WireError } from "../wire-error.js";
import type { LiveStepResult } from "./live-step.js";
import { readValue, writeValue } from "./live-values.js";

const OK = 0;
const SKIPPED = 1;
const ROWS = 2;
const ERROR = 3;

/** Encodes what became of the steps of a batch, one result for each. Throws `WireError` `unsupported`. */
export function encodeLiveResults(results: readonly LiveStepResult[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (let index = 0; index < results.length; ) {
    const result = results[index] as LiveStepResult;
    if (result.type === "error") {
      writer.byte(ERROR);
      writer.text(result.message);
      writer.byte(result.sqlCode === undefined ? 0 : 1);
      if (result.sqlCode !== undefined) writer.text(result.sqlCode);
      index += 1;
      continue;
    }
    if (isPlain(result)) {
      let end = index + 1;
      while (end < results.length && isPlain(results[end]) && results[end]?.type === result.type) end++;
      writer.byte(result.type === "ok" ? OK : SKIPPED);
      writer.uint(end - index);
      index = end;
      continue;
    }
    writeRows(result.rows, writer);
    index += 1;
  }
  return writer.written.slice();
}

function isPlain(result: LiveStepResult | undefined): result is PlainResult {
  return result?.type === "skipped" || (result?.type === "ok" && result.rows.length === 0);
}

type PlainResult = { readonly type: "ok"; readonly rows: readonly [] } | { readonly type: "skipped" };

function writeRows(rows: Extract<LiveStepResult, { type: "ok" }>["rows"], writer: ByteWriter): void {
  const width = rows[0]?.length ?? 0;
  writer.byte(ROWS);
  writer.uint(rows.length);
  writer.uint(width);
  for (const row of rows) {
    if (row.length !== width) throw new WireError("unsupported", "rows of one statement differ in length");
    for (const value of row) writeValue(value, writer);
  }
}

/** Reads the results of a batch of that many steps. Blobs are views of the body. Throws `WireError`. */
export function decodeLiveResults(body: Uint8Array, stepCount: number): LiveStepResult[] {
  const reader = new ByteReader(body);
  const results: LiveStepResult[] = [];
  while (reader.left > 0) {
    if (results.length === stepCount) throw new WireError("malformed", "more results than steps");
    const kind = reader.byte();
    if (kind === OK || kind === SKIPPED) {
      const result = kind === OK ? NOTHING : SKIP;
      const count = reader.uint();
      if (count > stepCount - results.length) throw new WireError("malformed", "more results than steps");
      for (let left = count; left > 0; left--) results.push(result);
    } else if (kind === ROWS) results.push({ type: "ok", rows: readRows(reader) });
    else if (kind === ERROR) results.push(readError(reader));
    else throw new WireError("malformed", `unknown kind of result ${kind}`);
  }
  if (results.length !== stepCount)
    throw new WireError("malformed", `${results.length} results for ${stepCount} steps`);
  return results;
}

const NOTHING: LiveStepResult = { type: "ok", rows: [] };
const SKIP: LiveStepResult = { type: "skipped" };

function readRows(reader: ByteReader): Extract<LiveStepResult, { type: "ok" }>["rows"] {
  const count = reader.uint();
  const width = reader.uint();
  // SQLite has no rows without columns, and each value takes a byte at least.
  if (width === 0 || count * width > reader.left) throw new WireError("truncated", "the rows end too early");
  const rows = [];
  for (let left = count; left > 0; left--) {
    const row = [];
    for (let column = 0; column < width; column++) row.push(readValue(reader));
    rows.push(row);
  }
  return rows;
}

function readError(reader: ByteReader): LiveStepResult {
  const message = reader.text();
  const hasCode = reader.byte();
  if (hasCode > 1) throw new WireError("malformed", `${hasCode} is neither 0 nor 1`);
  return { type: "error", message, sqlCode: hasCode === 1 ? reader.text() : undefined };
}
