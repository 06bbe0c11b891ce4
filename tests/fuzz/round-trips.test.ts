import { decodePageSelector } from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

// What a client may send and this project has no encoder of: Roaring bitmaps of any set of ids, in any of the three
// kinds of container. The encoder here is the specification, written down as plainly as can be.

type Kind = "array" | "bitmap" | "runs";

interface Container {
  readonly kind: Kind;
  /** Ascending, below 65 536. */
  readonly values: readonly number[];
}

function encodeContainer({ kind, values }: Container): number[] {
  const word = (value: number): number[] => [value & 0xff, value >> 8];
  if (kind === "array") return values.flatMap(word);
  if (kind === "bitmap") {
    const bytes = new Array<number>(8192).fill(0);
    for (const value of values) bytes[value >> 3] = (bytes[value >> 3] as number) | (1 << (value & 7));
    return bytes;
  }
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] + 1 === value) last[1]++;
    else runs.push([value, 0]);
  }
  return [...word(runs.length), ...runs.flatMap(([start, length]) => [...word(start), ...word(length)])];
}

function encodeBitmap(containers: ReadonlyMap<number, Container>): Uint8Array {
  const entries = [...containers].sort(([left], [right]) => left - right);
  const hasRuns = entries.some(([, { kind }]) => kind === "runs");
  const word = (value: number): number[] => [value & 0xff, value >> 8];
  const long = (value: number): number[] => [...word(value & 0xffff), ...word(value >>> 16)];
  const head = hasRuns
    ? [...word(12347), ...word(entries.length - 1)]
    : [...long(12346), ...long(entries.length)];
  if (hasRuns) {
    const flags = new Array<number>((entries.length + 7) >> 3).fill(0);
    entries.forEach(([, { kind }], index) => {
      if (kind === "runs") flags[index >> 3] = (flags[index >> 3] as number) | (1 << (index & 7));
    });
    head.push(...flags);
  }
  for (const [key, { values }] of entries) head.push(...word(key), ...word(values.length - 1));
  const bodies = entries.map(([, container]) => encodeContainer(container));
  if (!hasRuns || entries.length >= 4) {
    let at = head.length + 4 * entries.length;
    for (const body of bodies) {
      head.push(...long(at));
      at += body.length;
    }
  }
  return Uint8Array.from([...head, ...bodies.flat()]);
}

const values = fc.uniqueArray(fc.oneof(fc.nat({ max: 65_535 }), fc.nat({ max: 40 })), {
  minLength: 1,
  maxLength: 60,
});
const dense = fc
  .nat({ max: 15 })
  .map((skipped) => Array.from({ length: 65_536 }, (_, id) => id).filter((id) => id % 16 !== skipped));
const sparse = fc.record({ kind: fc.constantFrom<Kind>("array", "runs"), values });
const container = fc
  .oneof(
    { weight: 29, arbitrary: sparse },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant<Kind>("bitmap"), values: dense }) },
  )
  .map(
    ({ kind, values: ids }): Container => ({ kind, values: [...ids].sort((left, right) => left - right) }),
  );
const bitmaps = fc.uniqueArray(fc.tuple(fc.oneof(fc.nat({ max: 65_535 }), fc.nat({ max: 5 })), container), {
  maxLength: 6,
  selector: ([key]) => key,
});

describe("a Roaring bitmap of any ids", () => {
  it("is read as these ids", () => {
    fc.assert(
      fc.property(bitmaps, (entries) => {
        const ids = entries
          .flatMap(([key, { values: low }]) => low.map((id) => key * 65_536 + id))
          .sort((left, right) => left - right);
        const selector = decodePageSelector(encodeBitmap(new Map(entries)));
        expect(selector.size).toBe(ids.length);
        expect(
          Buffer.from(Float64Array.from(selector).buffer).equals(Buffer.from(Float64Array.from(ids).buffer)),
        ).toBe(true);
        const isIn = new Set(ids);
        for (const id of ids.slice(0, 50)) {
          for (const near of [id - 1, id, id + 1]) expect(selector.has(near)).toBe(isIn.has(near));
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});
