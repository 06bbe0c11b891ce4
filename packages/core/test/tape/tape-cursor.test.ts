import { expect, test } from "vitest";
import type { Coroutine } from "../../src/coroutine/coroutine.js";
import { runSync } from "../../src/coroutine/run-sync.js";
import type { EngineIo } from "../../src/ports/engine-io.js";
import { TapeCursor, type TapeQuery } from "../../src/tape/tape-cursor.js";
import type { SqlRow } from "../../src/values/sql-value.js";

const INSERT = 1n;
const UPDATE = 2n;
/** By a trigger of the app, in a spoke. */
const UPDATE_EFFECT = 10n;

const shape = {
  table: "t",
  columns: ["a"],
  key: { type: "columns", columns: ["a"], nullable: false },
} as const;

/** A tape of a table of one column, by the operations of its rows; reads it all, and counts the columns that were asked for. */
function read(operations: readonly bigint[]): { rows: SqlRow[]; columns: number[] } {
  const columns: number[] = [];
  const query: TapeQuery = function* (sql, [after, upTo, limit]) {
    const names = (/SELECT (.*) FROM/.exec(sql)?.[1] ?? "").split(", ");
    columns.push(names.length);
    return operations
      .map((op, index): SqlRow => {
        const id = BigInt(index + 1);
        return [id, 1n, op, null, id, (op & 7n) === UPDATE ? -id : null].slice(0, names.length);
      })
      .filter(([id]) => (id as bigint) > (after as bigint) && (id as bigint) <= (upTo as bigint))
      .slice(0, Number(limit));
  };
  const cursor = new TapeCursor(0, operations.length, new Map([[1, shape]]), query);
  const rows: SqlRow[] = [];
  const readAll = function* (): Coroutine<void> {
    for (let next = yield* cursor.next(); next.length > 0; next = yield* cursor.next()) rows.push(...next);
  };
  runSync(readAll(), {} as EngineIo);
  return { rows, columns };
}

const inserts = (count: number): bigint[] => new Array<bigint>(count).fill(INSERT);

test("second images are asked for while it is not known that there are none", () => {
  const { rows, columns } = read([...inserts(100), ...inserts(5_000), ...inserts(5_000)]);
  expect(columns).toEqual([6, 5, 5]);
  expect(rows).toHaveLength(10_100);
});

test.each([UPDATE, UPDATE_EFFECT])(
  "an update among rows that were read without second images has its own (%s)",
  (op) => {
    const { rows, columns } = read([
      ...inserts(100),
      ...inserts(4_999),
      op,
      ...inserts(5_000),
      ...inserts(10),
    ]);
    // The third answer has an update; from then on they are asked for until there was none.
    expect(columns).toEqual([6, 5, 6, 6, 5]);
    expect(rows.map(([id]) => id)).toEqual(Array.from({ length: 10_110 }, (_, index) => BigInt(index + 1)));
    expect(rows[5_099]).toEqual([5_100n, 1n, op, null, 5_100n, -5_100n]);
  },
);

test("a change alone takes one query, whatever it is", () => {
  expect(read([UPDATE]).columns).toEqual([6]);
  expect(read([INSERT]).columns).toEqual([6]);
});
