import { WireError } from "../wire-error.js";
import { BITMAP_BYTES, CONTAINER_SPAN, MAX_ARRAY_VALUES } from "./roaring-format.js";

/** The ids of a Roaring bitmap that share their upper 16 bits. */
export interface RoaringContainer {
  readonly byteLength: number;
  has(value: number): boolean;
  /** Ascending. */
  values(): Iterable<number>;
}

/** Checks the container at an offset and gives it as a view. Throws `WireError`. */
export function decodeContainer(
  view: DataView,
  offset: number,
  cardinality: number,
  isRuns: boolean,
): RoaringContainer {
  if (isRuns) return decodeRuns(view, offset, cardinality);
  return cardinality <= MAX_ARRAY_VALUES
    ? decodeArray(view, offset, cardinality)
    : decodeBitmap(view, offset, cardinality);
}

function decodeArray(view: DataView, offset: number, count: number): RoaringContainer {
  requireBytes(view, offset, 2 * count);
  const values = new Uint16Array(count);
  for (let index = 0; index < count; index++) {
    const value = view.getUint16(offset + 2 * index, true);
    if (index > 0 && value <= (values[index - 1] as number)) throw damaged("its values are out of order");
    values[index] = value;
  }
  return {
    byteLength: 2 * count,
    has: (value) => values[lastNotAbove(values, 1, value)] === value,
    values: () => values,
  };
}

function decodeRuns(view: DataView, offset: number, cardinality: number): RoaringContainer {
  requireBytes(view, offset, 2);
  const count = view.getUint16(offset, true);
  requireBytes(view, offset + 2, 4 * count);
  // Start and last value of each run.
  const runs = new Uint16Array(2 * count);
  let total = 0;
  let after = 0;
  for (let index = 0; index < count; index++) {
    const start = view.getUint16(offset + 2 + 4 * index, true);
    const length = view.getUint16(offset + 4 + 4 * index, true) + 1;
    if (start < after) throw damaged("its runs are out of order");
    after = start + length;
    if (after > CONTAINER_SPAN) throw damaged("a run is too long");
    runs[2 * index] = start;
    runs[2 * index + 1] = after - 1;
    total += length;
  }
  if (total !== cardinality) throw damaged(`it has ${total} values and says ${cardinality}`);
  return {
    byteLength: 2 + 4 * count,
    has: (value) => {
      const run = lastNotAbove(runs, 2, value);
      return run >= 0 && value <= (runs[run + 1] as number);
    },
    *values() {
      for (let run = 0; run < runs.length; run += 2) {
        for (let value = runs[run] as number; value <= (runs[run + 1] as number); value++) yield value;
      }
    },
  };
}

function decodeBitmap(view: DataView, offset: number, cardinality: number): RoaringContainer {
  requireBytes(view, offset, BITMAP_BYTES);
  const has = (value: number): boolean => ((view.getUint8(offset + (value >> 3)) >> (value & 7)) & 1) === 1;
  let total = 0;
  for (let at = 0; at < BITMAP_BYTES; at += 4) {
    for (let word = view.getUint32(offset + at, true); word !== 0; word &= word - 1) total++;
  }
  if (total !== cardinality) throw damaged(`it has ${total} values and says ${cardinality}`);
  return {
    byteLength: BITMAP_BYTES,
    has,
    *values() {
      for (let value = 0; value < CONTAINER_SPAN; value++) if (has(value)) yield value;
    },
  };
}

/** Index of the last entry that is not above a value; entries stand at every `stride`. -1: there is none. */
function lastNotAbove(entries: Uint16Array, stride: number, value: number): number {
  let low = 0;
  let high = entries.length / stride - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if ((entries[middle * stride] as number) <= value) low = middle + 1;
    else high = middle - 1;
  }
  return high * stride;
}

function requireBytes(view: DataView, offset: number, length: number): void {
  if (offset + length > view.byteLength)
    throw new WireError("truncated", "a Roaring bitmap ends inside a container");
}

function damaged(reason: string): WireError {
  return new WireError("malformed", `a container of a Roaring bitmap is damaged: ${reason}`);
}
