import {
  type HranaCondition,
  type HranaPipelineRequest,
  type HranaStmt,
  type HranaValue,
  parsePipelineRequest,
  stringifyPipelineRequest,
  WireError,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectValueOrWireError } from "./junk.js";

const execute = (stmt: unknown): unknown => ({ baton: null, requests: [{ type: "execute", stmt }] });
const batch = (...steps: unknown[]): unknown => ({
  baton: null,
  requests: [{ type: "batch", batch: { steps } }],
});
const SELECT = { sql: "SELECT 1" };

const text = fc.string({ unit: "grapheme" });
const value: fc.Arbitrary<HranaValue> = fc.oneof(
  fc.constant<HranaValue>({ type: "null" }),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((int): HranaValue => ({ type: "integer", value: String(int) })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((float): HranaValue => ({ type: "float", value: float })),
  text.map((string): HranaValue => ({ type: "text", value: string })),
  fc.base64String().map((base64): HranaValue => ({ type: "blob", base64 })),
);
const stmt: fc.Arbitrary<HranaStmt> = fc
  .record(
    {
      args: fc.array(value, { minLength: 1, maxLength: 4 }),
      named_args: fc.array(fc.record({ name: text, value }), { minLength: 1, maxLength: 3 }),
      want_rows: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .chain((rest) =>
    fc.oneof(
      text.map((sql) => ({ sql, ...rest })),
      fc.nat({ max: 9 }).map((sql_id) => ({ sql_id, ...rest })),
    ),
  );
const condition = fc.letrec<{ condition: HranaCondition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4 },
    fc.constant<HranaCondition>({ type: "is_autocommit" }),
    tie("condition").map((cond): HranaCondition => ({ type: "not", cond })),
    fc.record({ type: fc.constantFrom("and", "or"), conds: fc.array(tie("condition"), { maxLength: 3 }) }),
  ),
})).condition;
const request: fc.Arbitrary<HranaPipelineRequest["requests"][number]> = fc.oneof(
  fc.record({ type: fc.constantFrom("close", "get_autocommit") }),
  fc.record({ type: fc.constant("execute"), stmt }),
  fc.record({
    type: fc.constant("batch"),
    batch: fc.record({
      steps: fc.array(fc.record({ condition, stmt }, { requiredKeys: ["stmt"] }), { maxLength: 5 }),
    }),
  }),
  fc.record({ type: fc.constantFrom("sequence", "describe"), sql: text }),
  fc.record({ type: fc.constant("store_sql"), sql_id: fc.nat({ max: 9 }), sql: text }),
  fc.record({ type: fc.constant("close_sql"), sql_id: fc.nat({ max: 9 }) }),
);
const pipeline: fc.Arbitrary<HranaPipelineRequest> = fc.record({
  baton: fc.option(text),
  requests: fc.array(request, { maxLength: 4 }),
});

describe("pipeline request", () => {
  it("survives the way there and back", () => {
    fc.assert(
      fc.property(pipeline, (body) => {
        expect(parsePipelineRequest(stringifyPipelineRequest(body))).toEqual(body);
        expect(parsePipelineRequest(structuredClone(body))).toEqual(body);
      }),
    );
  });

  it("keeps the sign of a negative zero", () => {
    const zero: HranaPipelineRequest = {
      baton: null,
      requests: [{ type: "execute", stmt: { ...SELECT, args: [{ type: "float", value: -0 }] } }],
    };
    expect(stringifyPipelineRequest(zero)).toContain('"value":-0.0}');
    expect(parsePipelineRequest(stringifyPipelineRequest(zero))).toEqual(zero);
  });

  it.each([Number.POSITIVE_INFINITY, Number.NaN])("cannot carry %d", (float) => {
    const body = execute({ ...SELECT, args: [{ type: "float", value: float }] }) as HranaPipelineRequest;
    expect(() => stringifyPipelineRequest(body)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });

  it("reads what clients leave out, and passes over what it does not know", () => {
    const body =
      '{"requests":[{"type":"execute","stmt":{"sql":"SELECT 1","args":null,"replication_index":"5"}}]}';
    expect(parsePipelineRequest(body)).toMatchObject({
      baton: null,
      requests: [{ stmt: { sql: "SELECT 1" } }],
    });
  });

  it.each([
    ["text that is not JSON", "{", "not JSON"],
    ["no object", "[]", "the document should be an object; it is an array"],
    ["a baton that is no string", { baton: 1, requests: [] }, "baton should be a string; it is 1"],
    ["no requests", {}, "requests should be an array; it is absent"],
    [
      "an unknown request",
      { requests: [{ type: "close" }, { type: "open" }] },
      'requests[1].type should be a type of request; it is "open"',
    ],
    ["no stmt", { requests: [{ type: "execute" }] }, "requests[0].stmt should be an object; it is absent"],
    [
      "both sources",
      execute({ sql: "", sql_id: 1 }),
      "requests[0].stmt should be an object with exactly one of sql and sql_id",
    ],
    ["no source", execute({}), "requests[0].stmt should be an object with exactly one of sql and sql_id"],
    [
      "an sql_id of more than 32 bits",
      execute({ sql_id: 2 ** 31 }),
      "requests[0].stmt.sql_id should be an integer",
    ],
    [
      "a value of no type",
      execute({ ...SELECT, args: [{ type: "null" }, { type: "bool" }] }),
      "requests[0].stmt.args[1].type",
    ],
    [
      "an integer that is a number",
      execute({ ...SELECT, args: [{ type: "integer", value: 1 }] }),
      "requests[0].stmt.args[0].value",
    ],
    [
      "an infinite float",
      '{"requests":[{"type":"execute","stmt":{"sql":"","args":[{"type":"float","value":1e999}]}}]}',
      "requests[0].stmt.args[0].value should be a finite number",
    ],
    [
      "a null float",
      execute({ ...SELECT, args: [{ type: "float", value: null }] }),
      "requests[0].stmt.args[0].value should be a finite number",
    ],
    [
      "a blob that is not base64",
      execute({ ...SELECT, args: [{ type: "blob", base64: "?" }] }),
      "requests[0].stmt.args[0].base64 should be base64",
    ],
    [
      "a named argument without a name",
      execute({ ...SELECT, named_args: [{ value: { type: "null" } }] }),
      "requests[0].stmt.named_args[0].name",
    ],
    [
      "want_rows that is no boolean",
      execute({ ...SELECT, want_rows: 1 }),
      "requests[0].stmt.want_rows should be true or false; it is 1",
    ],
    [
      "a condition on a later step",
      batch({ stmt: SELECT }, { condition: { type: "ok", step: 1 }, stmt: SELECT }),
      "requests[0].batch.steps[1].condition.step should be an integer from 0 to 0; it is 1",
    ],
    [
      "a condition on a step before the first",
      batch({ condition: { type: "error", step: 0 }, stmt: SELECT }),
      "requests[0].batch.steps[0].condition.step",
    ],
    [
      "an unknown condition",
      batch({ condition: { type: "and", conds: [{ type: "xor" }] }, stmt: SELECT }),
      "requests[0].batch.steps[0].condition.conds[0].type",
    ],
  ])("refuses %s and says where", (_what, body, message) => {
    expect(() => parsePipelineRequest(body)).toThrow(
      expect.objectContaining({ name: "WireError", message: expect.stringContaining(message) }),
    );
  });

  it("bounds the nesting of conditions", () => {
    const nested = (depth: number): string =>
      `{"requests":[{"type":"batch","batch":{"steps":[{"condition":${'{"type":"not","cond":'.repeat(depth)}{"type":"is_autocommit"}${"}".repeat(depth)},"stmt":{"sql":""}}]}}]}`;
    expect(parsePipelineRequest(nested(99)).requests).toHaveLength(1);
    expect(() => parsePipelineRequest(nested(100))).toThrow("nested at most 100 deep");
    expect(() => parsePipelineRequest(nested(100_000))).toThrow(WireError);
  });

  it("gives a value or a WireError for any JSON and for text with changes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => expectValueOrWireError(() => parsePipelineRequest(json))),
    );
    fc.assert(
      fc.property(pipeline, fc.nat(), fc.string({ maxLength: 3 }), (body, at, insert) => {
        const good = stringifyPipelineRequest(body);
        const place = at % good.length;
        expectValueOrWireError(() =>
          parsePipelineRequest(good.slice(0, place) + insert + good.slice(place + 1)),
        );
      }),
    );
  });
});
