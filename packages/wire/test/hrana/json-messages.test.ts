import {
  CURSOR_TERMINATOR,
  encodeCursorEntry,
  encodeCursorHead,
  encodeServerMessage,
  encodeStreamResult,
  frameCursorEntry,
  type HranaStreamResult,
  joinPipelineResponse,
  parseClientMessage,
  parseCursorRequest,
  parsePipelineRequest,
  parsePipelineResponse,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectValueOrWireError, junkLike } from "../junk.js";
import { batches, cursorEntries, socketRequests, streamResults } from "./support/arbitraries.js";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const STMT = { sql: "SELECT 1" };

describe("requests in JSON", () => {
  it("survive the way there and back", () => {
    const id = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(
        batches,
        socketRequests,
        id,
        fc.option(fc.string()),
        (batch, request, request_id, baton) => {
          const cursor = { baton, batch };
          expect(parseCursorRequest(JSON.stringify(cursor))).toEqual(cursor);
          expect(parseCursorRequest(structuredClone(cursor))).toEqual(cursor);
          const message = { type: "request", request_id, request };
          expect(parseClientMessage(JSON.stringify(message))).toEqual(message);
        },
      ),
    );
    expect(parseClientMessage('{"type":"hello"}')).toEqual({ type: "hello", jwt: null });
    expect(parseClientMessage('{"type":"hello","jwt":"a.b.c","x":1}')).toEqual({
      type: "hello",
      jwt: "a.b.c",
    });
    expect(parseCursorRequest('{"batch":{"steps":[]}}')).toEqual({ baton: null, batch: { steps: [] } });
  });

  it.each([
    [{ baton: 5, batch: { steps: [] } }, "baton should be a string"],
    [{}, "batch should be an object"],
    [{ batch: { steps: [{}] } }, "batch.steps[0].stmt should be an object"],
    [{ batch: { steps: [{ stmt: { sql: "", sql_id: 1 } }] } }, "with exactly one of sql and sql_id"],
    [
      { batch: { steps: [{ stmt: { ...STMT, args: [{ type: "float", value: null }] } }] } },
      "batch.steps[0].stmt.args[0].value should be a finite number",
    ],
  ])("for a cursor are not %j", (body, place) => {
    expect(() => parseCursorRequest(body)).toThrow(place);
  });

  it.each([
    [[], "the document should be an object"],
    [{ type: "bye" }, 'type should be "hello" or "request"'],
    [{ type: "hello", jwt: 5 }, "jwt should be a string"],
    [{ type: "request", request: { type: "open_stream", stream_id: 1 } }, "request_id should be an integer"],
    [request({ type: "close", stream_id: 1 }), "request.type should be a type of request"],
    [request({ type: "open_stream" }), "request.stream_id should be an integer"],
    [request({ type: "close_stream", stream_id: 2 ** 31 }), "request.stream_id should be an integer"],
    [request({ type: "execute", stmt: STMT }), "request.stream_id should be an integer"],
    [request({ type: "execute", stream_id: 1 }), "request.stmt should be an object"],
    [request({ type: "batch", stream_id: 1, batch: {} }), "request.batch.steps should be an array"],
    [request({ type: "describe", stream_id: 1 }), "request should be an object with exactly one of"],
    [request({ type: "store_sql", sql_id: 1 }), "request.sql should be a string"],
    [request({ type: "open_cursor", stream_id: 1, batch: {} }), "request.cursor_id should be an integer"],
    [request({ type: "open_cursor", stream_id: 1, cursor_id: 1 }), "request.batch should be an object"],
    [
      request({ type: "fetch_cursor", cursor_id: 1, max_count: -1 }),
      "request.max_count should be an integer",
    ],
    [request({ type: "fetch_cursor", cursor_id: 1, max_count: 2 ** 32 }), "request.max_count"],
    [request({ type: "close_cursor" }), "request.cursor_id should be an integer"],
    [request({ type: "get_autocommit" }), "request.stream_id should be an integer"],
    [request({ type: "toString" }), "request.type should be a type of request"],
  ])("on a socket are not %j", (message, place) => {
    expect(() => parseClientMessage(JSON.stringify(message))).toThrow(place);
  });

  it("are counted", () => {
    const steps = [{ stmt: STMT }, { stmt: STMT }, { stmt: STMT }];
    const close = { type: "close" };
    for (const parse of [
      (maxStatements: number) =>
        parsePipelineRequest({ requests: [close, close, close, close] }, { maxStatements }),
      (maxStatements: number) =>
        parsePipelineRequest({ requests: [{ type: "batch", batch: { steps } }] }, { maxStatements }),
      (maxStatements: number) => parseCursorRequest({ batch: { steps } }, { maxStatements }),
      (maxStatements: number) =>
        parseClientMessage(JSON.stringify(request({ type: "batch", stream_id: 1, batch: { steps } })), {
          maxStatements,
        }),
    ]) {
      parse(4);
      expect(() => parse(3)).toThrow(expect.objectContaining({ name: "WireError", code: "too-many" }));
    }
  });

  it("give a value or a WireError for junk", () => {
    const message = Buffer.from(JSON.stringify(request({ type: "execute", stream_id: 1, stmt: STMT })));
    const cursor = Buffer.from(JSON.stringify({ baton: "b", batch: { steps: [{ stmt: STMT }] } }));
    fc.assert(
      fc.property(fc.oneof(junkLike(message), junkLike(cursor)), (bytes) => {
        expectValueOrWireError(() => parseClientMessage(text(bytes)));
        expectValueOrWireError(() => parseCursorRequest(text(bytes)));
      }),
      { numRuns: 500 },
    );
  });
});

describe("answers in JSON", () => {
  it("survive the way there and back", () => {
    fc.assert(
      fc.property(fc.array(streamResults, { maxLength: 4 }), fc.option(fc.string()), (list, baton) => {
        const results = list.map(({ type, result }) => encodeStreamResult(type, result, "json"));
        for (const [index, { result, type }] of list.entries())
          expect(results[index]).toMatchObject({ ok: result.type === "ok", type });
        const body = text(joinPipelineResponse("json", { baton, base_url: "http://x" }, results));
        expect(parsePipelineResponse(body)).toEqual({
          baton,
          base_url: "http://x",
          results: list.map(({ result }) => result),
        });
      }),
    );
  });

  it("have an entry of a cursor on each line", () => {
    fc.assert(
      fc.property(cursorEntries, (entry) => {
        const line = text(frameCursorEntry(encodeCursorEntry(entry, "json"), "json"));
        expect(line.endsWith("}\n")).toBe(true);
        expect(line.slice(0, -1)).not.toContain("\n");
        // libSQL's Rust client reads the rowid by a name of its own.
        const names = entry.type === "step_end" && { last_inserted_rowid: entry.last_insert_rowid };
        expect(JSON.parse(line)).toEqual({ ...entry, ...names });
      }),
    );
    expect(text(encodeCursorHead("json", { baton: "b", base_url: null }))).toBe(
      '{"baton":"b","base_url":null}\n',
    );
    expect(JSON.parse(text(CURSOR_TERMINATOR))).toEqual({
      type: "replication_index",
      replication_index: null,
    });
  });

  it("are texts on a socket, with results and entries as they were encoded", () => {
    const result: HranaStreamResult = {
      type: "ok",
      response: {
        type: "execute",
        result: {
          cols: [],
          rows: [[{ type: "text", value: "é" }]],
          affected_row_count: 0,
          last_insert_rowid: null,
        },
      },
    };
    const error = { message: "no", code: "C", extended_code: "C_X" };
    const message = (of: HranaStreamResult): unknown => {
      const encoded = encodeStreamResult("execute", of, "json");
      return JSON.parse(
        encodeServerMessage({ type: "response_ok", request_id: -1, result: encoded }, "json") as string,
      );
    };
    expect(message(result)).toEqual({ type: "response_ok", request_id: -1, response: result.response });
    expect(message({ type: "error", error })).toEqual({ type: "response_error", request_id: -1, error });
    const entries = [encodeCursorEntry({ type: "row", row: [] }, "json")];
    expect(
      encodeServerMessage(
        { type: "response_ok", request_id: 0, response: { type: "fetch_cursor", entries, done: false } },
        "json",
      ),
    ).toBe(
      '{"type":"response_ok","request_id":0,"response":{"type":"fetch_cursor","entries":[{"type":"row","row":[]}],"done":false}}',
    );
  });
});

function request(content: object): object {
  return { type: "request", request_id: 1, request: content };
}
