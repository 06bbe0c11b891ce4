import { ByteReader } from "../framing/byte-reader.js";
import { ByteWriter } from "../framing/byte-writer.js";
import type { SqlValue } from "../hrana/hrana-value.js";
import { joinBytes } from "../hrana/join-bytes.js";
import { WireError } from "../wire-error.js";
import { LIVE_CONDITIONS, type LiveCondition, type LiveStep } from "./live-step.js";
import { readValue, skipValue, writeValue } from "./live-values.js";

// A body has three parts: each SQL text once; runs of steps alike in text, condition and number of values; the values.

const WANTS_ROWS = 4;
const CONDITION_BITS = 3;

/** What {@link encodeLiveBatch} gives. */
export interface EncodedLiveBatch {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The index of the first step that is not in it. */
  readonly end: number;
}

/**
 * Encodes the body of a `push`: as many steps, from that index on, as fit into `maxBytes`, but at least one. Throws
 * `WireError` `unsupported` for an integer of more than 64 bits.
 */
export function encodeLiveBatch(
  steps: readonly LiveStep[],
  start: number = 0,
  maxBytes: number = Number.POSITIVE_INFINITY,
): EncodedLiveBatch {
  const texts = new ByteWriter();
  const runs = new ByteWriter();
  const values = new ByteWriter();
  const indexes = new Map<string, number>();
  let runCount = 0;
  let run: { readonly step: LiveStep; length: number } | undefined;
  const endRun = (): void => {
    if (run === undefined) return;
    const { sql, condition, wantRows, params } = run.step;
    runs.uint(indexes.get(sql) as number);
    runs.byte(LIVE_CONDITIONS.indexOf(condition) + (wantRows ? WANTS_ROWS : 0));
    runs.uint(params.length);
    runs.uint(run.length);
    runCount += 1;
  };
  let end = start;
  for (; end < steps.length; end++) {
    const step = steps[end] as LiveStep;
    const textsBefore = texts.length;
    const valuesBefore = values.length;
    const isAlikeRun = run !== undefined && isAlike(run.step, step);
    const isNewText = !isAlikeRun && !indexes.has(step.sql);
    if (isNewText) texts.text(step.sql);
    for (const value of step.params) writeValue(value, values);
    // A run that is not ended yet, and the counts in front of the parts, take no more than this.
    if (end > start && texts.length + runs.length + values.length + RUN_BYTES > maxBytes) {
      texts.truncate(textsBefore);
      values.truncate(valuesBefore);
      break;
    }
    if (isNewText) indexes.set(step.sql, indexes.size);
    if (isAlikeRun && run !== undefined) run.length += 1;
    else {
      endRun();
      run = { step, length: 1 };
    }
  }
  endRun();
  const textCount = new ByteWriter();
  textCount.uint(indexes.size);
  const runHead = new ByteWriter();
  runHead.uint(runCount);
  const body = joinBytes([textCount.written, texts.written, runHead.written, runs.written, values.written]);
  return { body, end };
}

/** Longer than two runs and two counts. */
const RUN_BYTES = 96;

function isAlike(one: LiveStep, other: LiveStep): boolean {
  return (
    one.sql === other.sql &&
    one.condition === other.condition &&
    one.wantRows === other.wantRows &&
    one.params.length === other.params.length
  );
}

/** Options of {@link decodeLiveBatch}. */
export interface LiveBatchLimits {
  /** More steps than that are `too-many`, noticed before they are made. */
  readonly maxStatements: number;
}

interface Run {
  readonly sql: string;
  readonly condition: LiveCondition;
  readonly wantRows: boolean;
  /** Values of a step. */
  readonly width: number;
  readonly length: number;
}

/** Reads the body of a `push`. Blobs are views of it. Throws `WireError`. */
export function decodeLiveBatch(body: Uint8Array, limits: LiveBatchLimits): LiveStep[] {
  return [...readLiveSteps(body, limits, (step) => step)];
}

/**
 * The same, each step when it is asked for, and as what is made of it with its index: most of the values of a long batch need
 * not be there at once. Throws `WireError`, for a text that is not UTF-8 when its step is asked for, for anything else at once.
 */
export function readLiveSteps<T>(
  body: Uint8Array,
  { maxStatements }: LiveBatchLimits,
  make: (step: LiveStep, index: number) => T,
): Generator<T, void> {
  const reader = new ByteReader(body);
  const runs = readRuns(reader, maxStatements);
  const values = body.subarray(body.length - reader.left);
  checkValues(new ByteReader(values), runs);
  return readSteps(new ByteReader(values), runs, make);
}

function* readSteps<T>(
  reader: ByteReader,
  runs: readonly Run[],
  make: (step: LiveStep, index: number) => T,
): Generator<T, void> {
  let index = 0;
  for (const { sql, condition, wantRows, width, length } of runs) {
    for (const end = index + length; index < end; index++) {
      // Of the right size: one that grows as it is filled has room for many more values than most steps have.
      const params = new Array<SqlValue>(width);
      for (let column = 0; column < width; column++) params[column] = readValue(reader);
      yield make({ sql, condition, wantRows, params }, index);
    }
  }
}

/** Everything that stands before the values. */
function readRuns(reader: ByteReader, maxStatements: number): Run[] {
  const texts: string[] = [];
  for (let left = reader.uint(); left > 0; left--) texts.push(reader.text());
  const runs: Run[] = [];
  let total = 0;
  for (let left = reader.uint(); left > 0; left--) {
    const sql = texts[reader.uint()];
    const flags = reader.byte();
    const condition = LIVE_CONDITIONS[flags & CONDITION_BITS];
    if (sql === undefined || condition === undefined || flags > (CONDITION_BITS | WANTS_ROWS))
      throw new WireError("malformed", "a run of steps has no such text or condition");
    const run = {
      sql,
      condition,
      wantRows: (flags & WANTS_ROWS) !== 0,
      width: reader.uint(),
      length: reader.uint(),
    };
    total += run.length;
    if (total > maxStatements) throw new WireError("too-many", `more than ${maxStatements} steps`);
    runs.push(run);
  }
  return runs;
}

function checkValues(reader: ByteReader, runs: readonly Run[]): void {
  for (const { width, length } of runs) {
    const count = width * length;
    // Each value takes a byte at least.
    if (count > reader.left) throw new WireError("truncated", "the values end too early");
    for (let left = count; left > 0; left--) skipValue(reader);
  }
  reader.end();
}

/** The text of the first statement of a body, if it can be read: what the batch begins with. */
export function firstLiveText(body: Uint8Array): string | undefined {
  const reader = new ByteReader(body);
  try {
    if (reader.uint() === 0) return undefined;
    return reader.text();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
