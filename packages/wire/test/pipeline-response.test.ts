import {
  type HranaPipelineResponse,
  type HranaStmtResult,
  parsePipelineResponse,
  WireError,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pipelineResponseText } from "./hrana/support/pipeline-response-text.js";
import { expectValueOrWireError } from "./junk.js";

const RESULT: HranaStmtResult = {
  cols: [
    { name: "a", decltype: null },
    { name: null, decltype: "INTEGER" },
  ],
  rows: [
    [
      { type: "text", value: 'quote " and \u0000' },
      { type: "integer", value: "-9223372036854775808" },
    ],
    [
      { type: "float", value: -0 },
      { type: "blob", base64: "//4" },
    ],
    [{ type: "null" }, { type: "float", value: 1.5e300 }],
  ],
  affected_row_count: 3,
  last_insert_rowid: "7",
};
const ERROR = {
  message: "SQLite error: UNIQUE constraint failed: t.a",
  code: "SQLITE_CONSTRAINT",
  extended_code: "SQLITE_CONSTRAINT_UNIQUE",
};
const RESPONSE: HranaPipelineResponse = {
  baton: "abc",
  base_url: null,
  results: [
    { type: "ok", response: { type: "execute", result: RESULT } },
    {
      type: "ok",
      response: {
        type: "batch",
        result: { step_results: [RESULT, null, null], step_errors: [null, ERROR, null] },
      },
    },
    { type: "ok", response: { type: "get_autocommit", is_autocommit: true } },
    {
      type: "ok",
      response: {
        type: "describe",
        result: {
          params: [{ name: null }, { name: ":a" }],
          cols: [{ name: "x", decltype: "TEXT" }],
          is_explain: false,
          is_readonly: true,
        },
      },
    },
    { type: "error", error: { message: "no such table: t", code: "SQLITE_ERROR" } },
    { type: "ok", response: { type: "close" } },
  ],
};

const firstRow = (response: HranaPipelineResponse): unknown => {
  const [result] = response.results;
  return result?.type === "ok" && result.response.type === "execute"
    ? result.response.result.rows[0]
    : undefined;
};

describe("pipeline response", () => {
  it("survives the way there and back", () => {
    expect(parsePipelineResponse(pipelineResponseText(RESPONSE))).toEqual(RESPONSE);
  });

  it("carries what is not finite as null, which arrives as NaN", () => {
    const text = pipelineResponseText({
      baton: null,
      base_url: null,
      results: [
        {
          type: "ok",
          response: {
            type: "execute",
            result: { ...RESULT, rows: [[{ type: "float", value: Number.NEGATIVE_INFINITY }]] },
          },
        },
      ],
    });
    expect(text).toContain('{"type":"float","value":null}');
    expect(firstRow(parsePipelineResponse(text))).toEqual([{ type: "float", value: Number.NaN }]);
  });

  it("makes null of what may be absent", () => {
    const text =
      '{"results":[{"type":"error","error":{"message":"m"}},{"type":"ok","response":{"type":"execute","result":{"cols":[{}],"rows":[],"affected_row_count":0}}}]}';
    expect(parsePipelineResponse(text)).toEqual({
      baton: null,
      base_url: null,
      results: [
        { type: "error", error: { message: "m", code: null } },
        {
          type: "ok",
          response: {
            type: "execute",
            result: {
              cols: [{ name: null, decltype: null }],
              rows: [],
              affected_row_count: 0,
              last_insert_rowid: null,
            },
          },
        },
      ],
    });
  });

  it.each([
    ["<html>", "not JSON"],
    ["null", "the document should be an object"],
    ['{"results":[{"type":"maybe"}]}', 'results[0].type should be "ok" or "error"; it is "maybe"'],
    [
      '{"results":[{"type":"ok","response":{"type":"x"}}]}',
      "results[0].response.type should be a type of response",
    ],
    [
      '{"results":[{"type":"ok","response":{"type":"batch","result":{"step_results":[null],"step_errors":[]}}}]}',
      "results[0].response.result should be lists of one length",
    ],
    [
      '{"results":[{"type":"error","error":{}}]}',
      "results[0].error.message should be a string; it is absent",
    ],
  ])("refuses %s and says where", (text, message) => {
    expect(() => parsePipelineResponse(text)).toThrow(
      expect.objectContaining({ name: "WireError", message: expect.stringContaining(message) }),
    );
  });

  it("gives a value or a WireError for text with changes", () => {
    const good = pipelineResponseText(RESPONSE);
    fc.assert(
      fc.property(
        fc.nat({ max: good.length }),
        fc.nat({ max: 20 }),
        fc.string({ maxLength: 5 }),
        (at, cut, insert) =>
          expectValueOrWireError(() =>
            parsePipelineResponse(good.slice(0, at) + insert + good.slice(at + cut)),
          ),
      ),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.json(), (text) => expectValueOrWireError(() => parsePipelineResponse(text))));
  });

  it("refuses an answer that is cut anywhere", () => {
    const good = pipelineResponseText(RESPONSE);
    for (let length = 0; length < good.length; length += 7)
      expect(() => parsePipelineResponse(good.slice(0, length))).toThrow(WireError);
  });
});
