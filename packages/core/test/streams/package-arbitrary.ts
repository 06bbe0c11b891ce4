import fc from "fast-check";
import type { TableShape } from "../../src/capture/table-shape.js";
import { imageWidth } from "../../src/capture/table-shape.js";
import type { ChangeGroup, ChangePackage, StreamChange } from "../../src/streams/change-package.js";
import type { SqlRow, SqlValue } from "../../src/values/sql-value.js";

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const position = fc.oneof(fc.nat({ max: 1000 }), fc.maxSafeNat());
const text = fc.string({ unit: "binary", maxLength: 12 });

/** Any value of SQLite; the edges more often than chance would have it. */
const anyValue: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.constant(null),
  fc.bigInt(INT64),
  fc.bigInt({ min: -300n, max: 300n }),
  fc.constantFrom(2n ** 53n, -(2n ** 52n), 2n ** 52n, 2n ** 52n - 1n, INT64.min, INT64.max),
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE),
  text,
  fc.string({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 20 }),
);

const names = fc.uniqueArray(fc.oneof(text, fc.constantFrom("id", "a", "__proto__", "constructor", "1")), {
  minLength: 1,
  maxLength: 11,
});

const shape: fc.Arbitrary<TableShape> = fc
  .record({ table: text, names, isKeyed: fc.boolean(), nullable: fc.boolean(), keys: fc.nat({ max: 3 }) })
  .map(({ table, names: columns, isKeyed, nullable, keys }) =>
    isKeyed
      ? { table, columns, key: { type: "columns", columns: columns.slice(0, keys + 1).reverse(), nullable } }
      : { table, columns: columns.slice(1), key: { type: "rowid", alias: columns[0] as string } },
  );

function rowOf(table: TableShape): fc.Arbitrary<SqlRow> {
  const width = imageWidth(table);
  return fc.array(anyValue, { minLength: width, maxLength: width });
}

function changeOf(table: TableShape): fc.Arbitrary<StreamChange> {
  const row = rowOf(table);
  const update = fc.tuple(row, row, fc.array(fc.boolean(), { minLength: 11, maxLength: 11 }));
  return fc.oneof(
    row.map((after): StreamChange => ({ type: "insert", shape: table, after })),
    row.map((before): StreamChange => ({ type: "delete", shape: table, before })),
    update.map(([before, other, isOther]): StreamChange => {
      const after = before.map((value, index) => (isOther[index] ? (other[index] as SqlValue) : value));
      return { type: "update", shape: table, before, after };
    }),
    text.map((sql): StreamChange => ({ type: "schema", sql })),
  );
}

function groupOf(shapes: readonly TableShape[], sites: readonly string[]): fc.Arbitrary<ChangeGroup> {
  const change = fc.constantFrom(...shapes).chain(changeOf);
  return fc
    .record({
      origin: fc.constantFrom(...sites),
      originCursor: position,
      isWithheld: fc.boolean(),
      changes: fc.array(change, { maxLength: 6 }),
    })
    .map((group) => (group.isWithheld ? { ...group, changes: [] } : group));
}

/** Any package that can be. */
export const anyPackage: fc.Arbitrary<ChangePackage> = fc
  .tuple(fc.array(shape, { minLength: 1, maxLength: 4 }), fc.array(text, { minLength: 1, maxLength: 4 }))
  .chain(([shapes, sites]) =>
    fc.record({
      site: fc.constantFrom(...sites),
      epoch: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      window: fc.tuple(position, position),
      endsTransaction: fc.boolean(),
      schemaHash: fc.nat({ max: 0xffff_ffff }),
      snapshot: fc.option(fc.record({ part: position, isLast: fc.boolean() }), { nil: undefined }),
      groups: fc.array(groupOf(shapes, sites), { maxLength: 5 }),
    }),
  )
  .map(({ window: [one, other], ...head }) => {
    const from = head.snapshot === undefined ? Math.min(one, other) : 0;
    return { ...head, from, to: Math.max(one, other) };
  });
