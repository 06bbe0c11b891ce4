import { encodeCurrentFrame, encodeProxyDescription, encodeProxyResults } from "@tributary/wire";
import { expect, test } from "vitest";
import { decodeProxyValue } from "../../src/embedded/proxy-value.js";
import { ProtobufReader } from "../../src/framing/protobuf-reader.js";

/** A message as nested lists, by a table of what its fields are. */
type Shape = { readonly [field: number]: "text" | "uint" | "int32" | "value" | Shape };

function read(bytes: Uint8Array, shape: Shape): unknown {
  const reader = new ProtobufReader(bytes);
  const fields = (of: Shape): unknown[] => {
    const found: unknown[] = [];
    while (reader.next()) {
      const { field } = reader;
      const kind = of[field];
      if (kind === undefined) throw new Error(`an unknown field ${field}`);
      if (kind === "text") found.push([field, reader.string("")]);
      else if (kind === "uint") found.push([field, reader.int64("")]);
      else if (kind === "int32") found.push([field, reader.int32("")]);
      else if (kind === "value") found.push([field, decodeProxyValue(reader.bytes(""))]);
      else {
        reader.enter("");
        found.push([field, fields(kind)]);
        reader.leave();
      }
    }
    return found;
  };
  return fields(shape);
}

const COLUMN: Shape = { 1: "text", 3: "text" };
const ERROR: Shape = { 1: "uint", 2: "text", 3: "int32" };
const RESULTS: Shape = {
  1: { 1: ERROR, 2: { 1: COLUMN, 2: { 1: { 1: "value" } }, 3: "uint", 4: "uint" } },
  2: "uint",
  3: "uint",
};
const DESCRIPTION: Shape = { 1: ERROR, 2: { 1: COLUMN, 2: "text", 3: "uint" } };

test("results have columns, rows, counts and row ids; one that was skipped has none of them", () => {
  const bytes = encodeProxyResults(
    [
      {
        type: "rows",
        columns: [
          { name: "a", declaredType: "INTEGER" },
          { name: "", declaredType: null },
        ],
        rows: [
          [1n, null],
          [0.5, Uint8Array.of(7)],
        ],
        affectedRows: 2,
        lastInsertRowid: -5n,
      },
      { type: "rows", columns: [], rows: [], affectedRows: 0, lastInsertRowid: null },
    ],
    true,
  );
  const row = (...values: readonly unknown[]): unknown => [2, values.map((value) => [1, [[1, value]]])];
  expect(read(bytes, RESULTS)).toEqual([
    [
      1,
      [
        [
          2,
          [
            [
              1,
              [
                [1, "a"],
                [3, "INTEGER"],
              ],
            ],
            [1, [[1, ""]]],
            row(1n, null),
            row(0.5, Uint8Array.of(7)),
            [3, 2n],
            [4, -5n],
          ],
        ],
      ],
    ],
    [1, [[2, []]]],
  ]);
});

test("errors have the number of SQLite's code, and the state and the frame are told", () => {
  const failed = (code: string, extended?: string) =>
    ({
      type: "error",
      error: { message: "no", code, ...(extended === undefined ? {} : { extended_code: extended }) },
    }) as const;
  const bytes = encodeProxyResults(
    [
      failed("SQLITE_CONSTRAINT", "SQLITE_CONSTRAINT_UNIQUE"),
      failed("SQLITE_BUSY"),
      failed("TRANSACTION_TIMEOUT"),
      failed("SQLITE_IOERR", "SQLITE_IOERR_WRITE"),
    ],
    false,
  );
  const error = (...fields: readonly unknown[]): unknown => [1, [[1, fields]]];
  expect(read(Buffer.concat([bytes, encodeCurrentFrame(2n ** 40n)]), RESULTS)).toEqual([
    error([2, "no"], [3, 2067]),
    error([1, 1n], [2, "no"], [3, 5]),
    error([1, 2n], [2, "no"], [3, 1]),
    error([2, "no"], [3, 10]),
    [2, 2n],
    [3, 2n ** 40n],
  ]);
});

test("a description names a parameter for each place, or one place on for clients that look there", () => {
  const described = { columns: [{ name: "a", declaredType: null }], parameters: [":a", null] };
  const after = (...names: readonly string[]): unknown => [
    [2, [[1, [[1, "a"]]], ...names.map((name) => [2, name]), [3, 2n]]],
  ];
  expect(read(encodeProxyDescription(described, false), DESCRIPTION)).toEqual(after(":a", "?2"));
  expect(read(encodeProxyDescription(described, true), DESCRIPTION)).toEqual(after("?0", ":a", "?2"));
  const error = { message: "no such table: t", code: "SQL_INPUT_ERROR" };
  expect(read(encodeProxyDescription(error, true), DESCRIPTION)).toEqual([
    [
      1,
      [
        [1, 1n],
        [2, "no such table: t"],
        [3, 1],
      ],
    ],
  ]);
});
