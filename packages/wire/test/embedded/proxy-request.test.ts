import {
  decodeProxyDescribe,
  decodeProxyProgram,
  findProxyClient,
  type SqlValue,
  WireError,
} from "@tributary/wire";
import { describe, expect, test } from "vitest";
import { encodeProxyValue } from "../../src/embedded/proxy-value.js";
import { ProtobufWriter } from "../../src/framing/protobuf-writer.js";

type Write = (writer: ProtobufWriter) => void;

const message =
  (field: number, ...parts: readonly Write[]): Write =>
  (writer) => {
    const start = writer.open(field);
    for (const part of parts) part(writer);
    writer.close(start);
  };
const text =
  (field: number, value: string): Write =>
  (writer) =>
    writer.string(field, value);
const number =
  (field: number, value: number): Write =>
  (writer) =>
    writer.uint(field, value);
const encode = (...parts: readonly Write[]): Uint8Array =>
  new ProtobufWriter().encode((writer) => {
    for (const part of parts) part(writer);
  });
const value = (of: SqlValue): Write => message(1, (writer) => writer.bytes(1, encodeProxyValue(of)));
const query = (sql: string, ...rest: readonly Write[]): Write => message(2, text(1, sql), ...rest);
const step = (...parts: readonly Write[]): Write => message(1, ...parts);
const program = (...steps: readonly Write[]): Uint8Array =>
  encode(text(1, "6f2a9c0e-client"), message(2, ...steps));
const condition = (...parts: readonly Write[]): Write => message(1, ...parts);

test("the client is found without reading the rest, and the statement to be described", () => {
  expect(findProxyClient(program(step(query("SELECT 1"))))).toBe("6f2a9c0e-client");
  expect(findProxyClient(encode())).toBe("");
  expect(decodeProxyDescribe(encode(text(1, "me"), text(2, "SELECT ?")))).toBe("SELECT ?");
});

test("of a long message only its beginning is looked through for the client: others wait meanwhile", () => {
  const tail = new Uint8Array(1024 * 1024).fill(0xff);
  const long = (...parts: readonly Write[]): Uint8Array => Buffer.concat([encode(...parts), tail]);
  expect(findProxyClient(long(text(1, "me"), number(3, 1)))).toBe("me");
  expect(findProxyClient(long(text(1, "me"), text(1, "another")))).toBe("me");
  expect(findProxyClient(long(number(3, 1), text(1, "me")))).toBe("");
  expect(() => findProxyClient(encode(text(1, "x".repeat(1024 * 1024))))).toThrow(WireError);
});

describe("a program", () => {
  test("has statements with arguments by place and by name, of all types", () => {
    const values: SqlValue[] = [
      null,
      0n,
      2n ** 63n - 1n,
      -(2n ** 63n),
      0.1,
      Number.NEGATIVE_INFINITY,
      "",
      "Grüße",
      new Uint8Array(),
      Uint8Array.of(0, 255),
    ];
    const names = values.map((_, index) => `:n${index}`);
    const inList = values.map((of) => message(2, (writer) => writer.bytes(1, encodeProxyValue(of))));
    const steps = decodeProxyProgram(
      program(
        step(query("one", message(2, ...values.map(value)))),
        step(query("two", message(3, ...names.map((name) => text(1, name)), ...inList), number(4, 1))),
        step(query("three")),
      ),
    );
    expect(steps).toEqual([
      { sql: "one", condition: undefined, positional: values, named: [], wantRows: true },
      {
        sql: "two",
        condition: undefined,
        positional: [],
        named: values.map((of, index) => ({ name: names[index], value: of })),
        wantRows: false,
      },
      { sql: "three", condition: undefined, positional: [], named: [], wantRows: true },
    ]);
  });

  test("has values as bincode writes them", () => {
    expect([...encodeProxyValue(-2n)]).toEqual([1, 0, 0, 0, 0xfe, ...new Array(7).fill(0xff)]);
    expect([...encodeProxyValue("é")]).toEqual([3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0xa9]);
    expect([...encodeProxyValue(null)]).toEqual([0, 0, 0, 0]);
  });

  test("has conditions", () => {
    const ok = (index: number): Write => message(1, ...(index === 0 ? [] : [number(1, index)]));
    const conditions = [
      message(1, ok(0)),
      message(1, message(2, number(1, 1))),
      message(1, message(3, condition(ok(2)))),
      message(1, message(4, condition(ok(0)), condition(message(6)))),
      message(1, message(5)),
    ];
    const steps = decodeProxyProgram(
      program(step(query("first")), ...conditions.map((cond) => step(cond, query("next")))),
    );
    expect(steps.slice(1).map((found) => found.condition)).toEqual([
      { type: "ok", step: 0 },
      { type: "error", step: 1 },
      { type: "not", cond: { type: "ok", step: 2 } },
      { type: "and", conds: [{ type: "ok", step: 0 }, { type: "is_autocommit" }] },
      { type: "or", conds: [] },
    ]);
  });

  test.each([
    [
      "a value of no type",
      [
        step(
          query(
            "x",
            message(
              2,
              message(1, (w) => w.bytes(1, Uint8Array.of(9, 0, 0, 0))),
            ),
          ),
        ),
      ],
    ],
    [
      "a value that ends early",
      [
        step(
          query(
            "x",
            message(
              2,
              message(1, (w) => w.bytes(1, Uint8Array.of(3, 0, 0, 0, 9))),
            ),
          ),
        ),
      ],
    ],
    [
      "a length beyond the value",
      [
        step(
          query(
            "x",
            message(
              2,
              message(1, (w) => w.bytes(1, Uint8Array.of(4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 9))),
            ),
          ),
        ),
      ],
    ],
    [
      "a value with more behind it",
      [
        step(
          query(
            "x",
            message(
              2,
              message(1, (w) => w.bytes(1, Uint8Array.of(0, 0, 0, 0, 0))),
            ),
          ),
        ),
      ],
    ],
    ["a value without data", [step(query("x", message(2, message(1))))]],
    ["more names than values", [step(query("x", message(3, text(1, "a"))))]],
    ["a step without a query", [step()]],
    ["a condition on itself", [step(query("x")), step(message(1, message(1, number(1, 1))), query("x"))]],
    ["a condition of the first", [step(message(1, message(1)), query("x"))]],
    ["an empty condition", [step(query("x")), step(message(1), query("x"))]],
    ["nothing negated", [step(query("x")), step(message(1, message(3)), query("x"))]],
  ] as const)("is refused: %s", (_, steps) => {
    expect(() => decodeProxyProgram(program(...steps))).toThrow(
      expect.objectContaining({ name: "WireError" }),
    );
  });

  test("is refused where it is too long, or nested too deep", () => {
    const steps = Array.from({ length: 4 }, () => step(query("x")));
    expect(decodeProxyProgram(program(...steps), { maxStatements: 4 })).toHaveLength(4);
    expect(() => decodeProxyProgram(program(...steps), { maxStatements: 3 })).toThrow("more than 3");
    let nested: Write = message(6);
    for (let depth = 1; depth < 100; depth++) nested = message(3, condition(nested));
    expect(decodeProxyProgram(program(step(message(1, nested), query("x"))))).toHaveLength(1);
    const deeper = message(3, condition(nested));
    expect(() => decodeProxyProgram(program(step(message(1, deeper), query("x"))))).toThrow("100 deep");
  });
});
