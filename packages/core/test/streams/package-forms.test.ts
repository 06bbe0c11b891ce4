import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TableShape } from "../../src/capture/table-shape.js";
import type { ChangePackage, StreamChange } from "../../src/streams/change-package.js";
import { decodeChangePackage, encodeChangePackage } from "../../src/streams/package-binary.js";
import { parseChangePackage, stringifyChangePackage } from "../../src/streams/package-json.js";
import { sameValue } from "../../src/values/same-value.js";
import type { SqlValue } from "../../src/values/sql-value.js";
import { anyPackage } from "./package-arbitrary.js";

const SHAPE: TableShape = {
  table: "messages",
  columns: ["id", "room", "sender", "body", "sent_at"],
  key: { type: "columns", columns: ["id"], nullable: false },
};
const EMPTY: ChangePackage = {
  site: "a",
  epoch: 1,
  from: 0,
  to: 1,
  endsTransaction: true,
  schemaHash: 0,
  snapshot: undefined,
  groups: [],
};
const DAMAGED = expect.objectContaining({ name: "SyncError", code: "damaged-package" });
const INTERNAL = expect.objectContaining({ name: "SyncError", code: "internal" });

function packageOf(...changes: StreamChange[]): ChangePackage {
  return { ...EMPTY, groups: [{ origin: "a", originCursor: 1, isWithheld: false, changes }] };
}

function insert(...after: SqlValue[]): StreamChange {
  return { type: "insert", shape: { ...SHAPE, columns: SHAPE.columns.slice(0, after.length) }, after };
}

describe("any package", () => {
  it("comes back from its binary form as it was, and that form is the only one", () => {
    fc.assert(
      fc.property(anyPackage, (change) => {
        const bytes = encodeChangePackage(change);
        const decoded = decodeChangePackage(bytes);
        expect(decoded).toEqual(change);
        expect(Buffer.from(encodeChangePackage(decoded)).equals(bytes)).toBe(true);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("comes back from its JSON form as it was", () => {
    fc.assert(
      fc.property(anyPackage, (change) => {
        const text = stringifyChangePackage(change);
        expect(parseChangePackage(text)).toEqual(change);
        // Whoever passes it on may write the same JSON differently.
        expect(parseChangePackage(JSON.stringify(JSON.parse(text), null, 2))).toEqual(change);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it("is refused once a bit of its binary form is another, or an end is missing", () => {
    fc.assert(
      fc.property(anyPackage, fc.nat(), fc.nat({ max: 7 }), (change, place, bit) => {
        const bytes = encodeChangePackage(change);
        const at = place % bytes.length;
        expect(() => decodeChangePackage(bytes.subarray(0, at))).toThrow(DAMAGED);
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        expect(() => decodeChangePackage(bytes)).toThrow(DAMAGED);
      }),
      { seed: 3, numRuns: 200 },
    );
  });
});

describe("values", () => {
  const values: SqlValue[] = [1n, 1, -0, Number.POSITIVE_INFINITY, 9_007_199_254_740_993n];

  it.each([
    ["binary", (change: ChangePackage) => decodeChangePackage(encodeChangePackage(change))],
    ["JSON", (change: ChangePackage) => parseChangePackage(stringifyChangePackage(change))],
  ])("keep type and bits in %s", (_form, travel) => {
    const [change] = travel(packageOf(insert(...values))).groups[0]?.changes ?? [];
    const after = change?.type === "insert" ? change.after : [];
    expect(after.map((value, index) => sameValue(value, values[index] as SqlValue))).toEqual(
      values.map(() => true),
    );
  });

  it("that are long fit: text of several chunks, of several bytes per character, blobs", () => {
    const change = packageOf(
      insert("x".repeat(10_001), "é\u{1f600}".repeat(5_000), new Uint8Array(10_000).fill(7)),
    );
    expect(decodeChangePackage(encodeChangePackage(change))).toEqual(change);
    expect(parseChangePackage(stringifyChangePackage(change))).toEqual(change);
  });

  it("with lone surrogates become U+FFFD in both forms", () => {
    const expected = packageOf(insert("a\ufffdb"));
    const change = packageOf(insert("a\ud800b"));
    expect(decodeChangePackage(encodeChangePackage(change))).toEqual(expected);
    expect(parseChangePackage(stringifyChangePackage(change))).toEqual(expected);
  });
});

describe("the binary form", () => {
  it("names a table once, whichever objects its changes carry", () => {
    const row: SqlValue[] = [1n, "r", "s", "b", 2n];
    const changes = Array.from(
      { length: 100 },
      (): StreamChange => ({ type: "insert", shape: structuredClone(SHAPE), after: row }),
    );
    const bytes = encodeChangePackage(packageOf(...changes));
    expect(bytes.length).toBeLessThan(100 * 16 + 100);
  });

  it("of an update carries the columns that changed only", () => {
    const before: SqlValue[] = [1n, "r", "s", "b".repeat(1000), 2n];
    const after = [1n, "r", "s", before[3] as SqlValue, 3n];
    const bytes = encodeChangePackage(packageOf({ type: "update", shape: SHAPE, before, after }));
    expect(bytes.length).toBeLessThan(1120);
  });

  it("tells of a newer version before anything else", () => {
    const bytes = encodeChangePackage(packageOf(insert("x")));
    bytes[4] = 2;
    expect(() => decodeChangePackage(bytes)).toThrow(/of version 2.*newer/);
    const json = { ...JSON.parse(stringifyChangePackage(EMPTY)), version: 2, surprise: 1 };
    expect(() => parseChangePackage(JSON.stringify(json))).toThrow(/of version 2.*newer/);
  });

  it("may lie anywhere in a buffer of Node's, which may be used again", () => {
    const change = packageOf(insert(1n, 2.5, new Uint8Array([1, 2])));
    const bytes = encodeChangePackage(change);
    const larger = Buffer.alloc(bytes.length + 20);
    larger.set(bytes, 7);
    const decoded = decodeChangePackage(larger.subarray(7, 7 + bytes.length));
    larger.fill(0);
    expect(decoded).toEqual(change);
  });
});

describe("what is no package is not encoded", () => {
  it.each<[string, ChangePackage]>([
    ["a window that ends before it begins", { ...EMPTY, from: 2 }],
    ["no epoch", { ...EMPTY, epoch: 0 }],
    ["a snapshot from the middle", { ...EMPTY, from: 1, snapshot: { part: 0, isLast: true } }],
    ["a row that is too short", packageOf({ type: "insert", shape: SHAPE, after: [1n] })],
    [
      "an update that is too short",
      packageOf({ type: "update", shape: SHAPE, before: [1n, 1n, 1n, 1n, 1n], after: [1n] }),
    ],
    ["no number", packageOf(insert(Number.NaN))],
    [
      "a key that is no column",
      packageOf({
        type: "insert",
        shape: { ...SHAPE, key: { type: "columns", columns: ["x"], nullable: false } },
        after: [1n, 1n, 1n, 1n, 1n],
      }),
    ],
    [
      "changes that are left out and are there",
      {
        ...EMPTY,
        groups: [{ origin: "a", originCursor: 1, isWithheld: true, changes: [{ type: "schema", sql: "" }] }],
      },
    ],
  ])("%s", (_what, change) => {
    expect(() => encodeChangePackage(change)).toThrow(INTERNAL);
    expect(() => stringifyChangePackage(change)).toThrow(INTERNAL);
  });
});
