import {
  delimit,
  encodeCursorEntry,
  encodeCursorHead,
  encodeServerMessage,
  encodeStreamResult,
  frameCursorEntry,
  joinPipelineResponse,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cursorEntries, errors, streamResults } from "./support/arbitraries.js";
import { decodeProto, encodeProto, protoCursorEntry, protoError, protoResponse } from "./support/proto.js";

const ID = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const TEXT = fc.option(fc.string({ unit: "grapheme" }));

describe("answers in protobuf", () => {
  it("are those of the proto file: a pipeline", () => {
    fc.assert(
      fc.property(fc.array(streamResults, { maxLength: 4 }), TEXT, TEXT, (results, baton, base_url) => {
        const encoded = results.map(({ type, result }) => encodeStreamResult(type, result, "protobuf"));
        const expected = {
          ...(baton === null ? {} : { baton }),
          ...(base_url === null ? {} : { base_url }),
          results: results.map(({ result }) =>
            result.type === "ok"
              ? { ok: { [result.response.type]: protoResponse(result.response) } }
              : { error: protoError(result.error) },
          ),
        };
        expectBytes(
          joinPipelineResponse("protobuf", { baton, base_url }, encoded),
          encodeProto("PipelineRespBody", expected),
        );
      }),
    );
  });

  it("are those of the proto file: a cursor", () => {
    fc.assert(
      fc.property(cursorEntries, TEXT, (entry, baton) => {
        const encoded = encodeCursorEntry(entry, "protobuf");
        expectBytes(encoded, encodeProto("CursorEntry", protoCursorEntry(entry)));
        expectBytes(frameCursorEntry(encoded, "protobuf"), delimit(encoded));
        const head = encodeProto("CursorRespBody", baton === null ? {} : { baton });
        expectBytes(encodeCursorHead("protobuf", { baton, base_url: null }), delimit(head));
      }),
    );
  });

  it("are those of the proto file: results on a socket", () => {
    fc.assert(
      fc.property(streamResults, ID, ({ type, result }, request_id) => {
        fc.pre(type !== "close");
        const message = encodeServerMessage(
          { type: "response_ok", request_id, result: encodeStreamResult(type, result, "protobuf") },
          "protobuf",
        );
        const expected =
          result.type === "ok"
            ? { response_ok: { request_id, [type]: protoResponse(result.response) } }
            : { response_error: { request_id, error: protoError(result.error) } };
        expectBytes(message, encodeProto("ServerMsg", expected));
      }),
    );
  });

  it("are those of the proto file: all else on a socket", () => {
    fc.assert(
      fc.property(
        errors,
        ID,
        fc.array(cursorEntries, { maxLength: 3 }),
        fc.boolean(),
        (error, request_id, list, done) => {
          const entries = list.map((entry) => encodeCursorEntry(entry, "protobuf"));
          expectBytes(
            encodeServerMessage(
              { type: "response_ok", request_id, response: { type: "fetch_cursor", entries, done } },
              "protobuf",
            ),
            encodeProto("ServerMsg", {
              response_ok: { request_id, fetch_cursor: { entries: list.map(protoCursorEntry), done } },
            }),
          );
          expectBytes(
            encodeServerMessage({ type: "hello_error", error }, "protobuf"),
            encodeProto("ServerMsg", { hello_error: { error: protoError(error) } }),
          );
          expectBytes(
            encodeServerMessage({ type: "response_error", request_id, error }, "protobuf"),
            encodeProto("ServerMsg", { response_error: { request_id, error: protoError(error) } }),
          );
        },
      ),
    );
    expectBytes(
      encodeServerMessage({ type: "hello_ok" }, "protobuf"),
      encodeProto("ServerMsg", { hello_ok: {} }),
    );
    for (const type of [
      "open_stream",
      "close_stream",
      "open_cursor",
      "close_cursor",
      "store_sql",
      "close_sql",
    ] as const) {
      expectBytes(
        encodeServerMessage({ type: "response_ok", request_id: 1, response: { type } }, "protobuf"),
        encodeProto("ServerMsg", { response_ok: { request_id: 1, [type]: {} } }),
      );
    }
  });

  it("say what a zero is: the one of a oneof is written", () => {
    const row = encodeCursorEntry(
      {
        type: "row",
        row: [
          { type: "integer", value: "0" },
          { type: "float", value: 0 },
          { type: "text", value: "" },
          { type: "blob", base64: "" },
        ],
      },
      "protobuf",
    );
    expect(decodeProto("CursorEntry", row)).toEqual({
      row: { values: [{ integer: "0" }, { float: 0 }, { text: "" }, { blob: new Uint8Array() }] },
    });
  });

  it("carry floats that are not finite", () => {
    const row = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0].map(
      (value) => ({ type: "float", value }) as const,
    );
    const { row: decoded } = decodeProto(
      "CursorEntry",
      encodeCursorEntry({ type: "row", row }, "protobuf"),
    ) as { row: { values: { float: number }[] } };
    expect(decoded.values.map(({ float }) => float)).toEqual([Number.NaN, Infinity, -Infinity, -0]);
  });

  it("have lengths of every size, and texts of every length", () => {
    for (const length of [0, 1, 47, 48, 126, 127, 128, 129, 16_383, 16_384, 70_000, 2_100_000]) {
      for (const character of ["a", "é", "\u{1f600}"]) {
        const row = [{ type: "text", value: character.repeat(length) }] as const;
        expectBytes(
          encodeCursorEntry({ type: "row", row }, "protobuf"),
          encodeProto("CursorEntry", protoCursorEntry({ type: "row", row })),
        );
      }
    }
  });

  it("refuse what is no integer, and what no socket has", () => {
    const row = [{ type: "integer", value: "1.5" }] as const;
    const unsupported = expect.objectContaining({ code: "unsupported" });
    expect(() => encodeCursorEntry({ type: "row", row }, "protobuf")).toThrow(unsupported);
    for (const format of ["json", "protobuf"] as const) {
      const result = encodeStreamResult("close", { type: "ok", response: { type: "close" } }, format);
      expect(() => encodeServerMessage({ type: "response_ok", request_id: 1, result }, format)).toThrow(
        unsupported,
      );
    }
    // The writer is as good as new after an error.
    expect(encodeServerMessage({ type: "hello_ok" }, "protobuf")).toEqual(Uint8Array.of(0x0a, 0));
  });
});

/** Faster than `toEqual` of bytes, and shows them as text. */
function expectBytes(found: string | Uint8Array, expected: Uint8Array): void {
  if (typeof found !== "string" && Buffer.compare(found, expected) === 0) return;
  expect(Buffer.from(found).toString("hex")).toBe(Buffer.from(expected).toString("hex"));
}
