import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { imageWidth, type TableShape } from "../../src/capture/table-shape.js";
import { changeToStatement, type ReplayTarget } from "../../src/replay/change-to-statement.js";
import { ShapeStatements } from "../../src/replay/shape-statements.js";
import type { RowChange } from "../../src/tape/tape-change.js";
import type { SqlRow, SqlValue } from "../../src/values/sql-value.js";

const COLUMNS = ["id", "a", "b"];
const wide = Array.from({ length: 60 }, (_, index) => `c${index}`);
const SHAPES: readonly TableShape[] = [
  { table: "keyed", columns: COLUMNS, key: { type: "columns", columns: ["id"], nullable: false } },
  { table: "pair", columns: COLUMNS, key: { type: "columns", columns: ["b", "a"], nullable: true } },
  { table: "keyless", columns: COLUMNS, key: { type: "rowid", alias: "rowid" } },
  { table: "wide", columns: wide, key: { type: "columns", columns: ["c3"], nullable: false } },
];
const TARGETS: readonly ReplayTarget[] = [
  {},
  { columns: new Set(["id", "b", ...wide.slice(1)]) },
  { displaces: true },
  { yields: true },
];

// Few values, so that images often have some in common.
const value: fc.Arbitrary<SqlValue> = fc.constantFrom(
  null,
  1n,
  1,
  2n,
  "x",
  "y",
  Number.POSITIVE_INFINITY,
  -0.5,
);
const change = (shape: TableShape): fc.Arbitrary<RowChange> => {
  const image = fc
    .array(value, { minLength: imageWidth(shape), maxLength: imageWidth(shape) })
    .map((values): SqlRow => (shape.key.type === "rowid" ? [7n, ...values.slice(1)] : values));
  const base = { changeId: 1, parked: false, shape };
  return fc.oneof(
    image.map((after): RowChange => ({ ...base, type: "insert", after })),
    image.map((before): RowChange => ({ ...base, type: "delete", before })),
    fc.tuple(image, image).map(([before, after]): RowChange => ({ ...base, type: "update", before, after })),
  );
};

describe("statements of the changes of one shape", () => {
  test.each(SHAPES)("are those of changeToStatement, whatever came before: $table", (shape) => {
    const changes = fc.array(change(shape), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(changes, fc.constantFrom(...TARGETS), (all, target) => {
        const statements = new ShapeStatements(shape, target);
        for (const one of all) expect(statements.statementOf(one)).toEqual(changeToStatement(one, target));
      }),
      { numRuns: 150 },
    );
  });

  test("take an inserted row as it is", () => {
    const after: SqlRow = [1n, "x", null];
    const statements = new ShapeStatements(SHAPES[0] as TableShape, {});
    const inserted: RowChange = {
      type: "insert",
      changeId: 1,
      parked: false,
      shape: SHAPES[0] as TableShape,
      after,
    };
    expect(statements.statementOf(inserted)?.params).toBe(after);
  });
});
