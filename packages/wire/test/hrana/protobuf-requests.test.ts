import {
  decodeClientMessage,
  decodeCursorRequest,
  decodeHranaValue,
  decodePipelineRequest,
  findBaton,
  WireError,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectValueOrWireError, junkLike } from "../junk.js";
import { batches, socketRequests, streamRequests } from "./support/arbitraries.js";
import { encodeProto, protoBatch, protoRequest, protoStmt } from "./support/proto.js";

const TEXT = fc.option(fc.string({ unit: "grapheme" }));
const STMT = { sql: "SELECT 1" };

describe("requests in protobuf", () => {
  it("survive the way there and back: a pipeline", () => {
    fc.assert(
      fc.property(fc.array(streamRequests, { maxLength: 4 }), TEXT, (requests, baton) => {
        const bytes = encodeProto("PipelineReqBody", {
          ...(baton === null ? {} : { baton }),
          requests: requests.map(protoRequest),
        });
        expect(decodePipelineRequest(bytes)).toEqual({ baton, requests });
        expect(findBaton(bytes, "protobuf")).toBe(baton);
      }),
    );
  });

  it("survive the way there and back: a cursor", () => {
    fc.assert(
      fc.property(batches, TEXT, (batch, baton) => {
        const message = { ...(baton === null ? {} : { baton }), batch: protoBatch(batch) };
        const bytes = encodeProto("CursorReqBody", message);
        expect(decodeCursorRequest(bytes)).toEqual({ baton, batch });
        expect(findBaton(bytes, "protobuf")).toBe(baton);
      }),
    );
  });

  it("survive the way there and back: messages on a socket", () => {
    const id = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(socketRequests, id, TEXT, (request, request_id, jwt) => {
        const bytes = encodeProto("ClientMsg", { request: { request_id, ...protoRequest(request) } });
        expect(decodeClientMessage(bytes)).toEqual({ type: "request", request_id, request });
        const hello = encodeProto("ClientMsg", { hello: jwt === null ? {} : { jwt } });
        expect(decodeClientMessage(hello)).toEqual({ type: "hello", jwt });
      }),
    );
  });

  it.each([Number.NaN, Infinity, -Infinity, -0, 5e-324])("carry the float %d", (float) => {
    const bytes = executeWith({ ...STMT, args: [{ float }] });
    expect(firstArgument(bytes)).toBe(float);
  });

  it.each([0n, -1n, 1n, 2n ** 52n, -(2n ** 52n), 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)])(
    "carry the integer %d",
    (integer) => {
      const bytes = executeWith({ ...STMT, args: [{ integer: String(integer) }] });
      expect(firstArgument(bytes)).toBe(integer);
    },
  );

  it("carry a negative number in five bytes, as hrana-client writes it", () => {
    // close_sql of -1.
    const bytes = Uint8Array.of(0x12, 8, 0x3a, 6, 0x08, 0xff, 0xff, 0xff, 0xff, 0x0f);
    expect(decodePipelineRequest(bytes).requests).toEqual([{ type: "close_sql", sql_id: -1 }]);
  });

  it("may have fields that nobody knows", () => {
    const known = [...encodeProto("PipelineReqBody", { requests: [{ close: {} }] })];
    // Field 15: a varint, eight bytes, a length and what it counts, four bytes.
    const unknown = [0x78, 0xff, 0xff, 0x01, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 2, 9, 9, 0x7d, 1, 2, 3, 4];
    const bytes = Uint8Array.from([...unknown, ...known, ...unknown]);
    expect(decodePipelineRequest(bytes).requests).toEqual([{ type: "close" }]);
    expect(findBaton(bytes, "protobuf")).toBeNull();
  });

  it.each([
    ["no type of request", { requests: [{}] }, "requests[0] should be a request"],
    ["no statement", { requests: [{ close: {} }, { execute: {} }] }, "requests[1].execute should be"],
    [
      "neither sql nor sql_id",
      executeObject({}),
      "requests[0].execute.stmt should be an object with exactly",
    ],
    ["both sql and sql_id", executeObject({ sql: "", sql_id: 0 }), "with exactly one of"],
    ["a describe of both", { requests: [{ describe: { sql: "", sql_id: 0 } }] }, "requests[0].describe"],
    ["a sequence of nothing", { requests: [{ sequence: {} }] }, "requests[0].sequence"],
    [
      "no type of value",
      executeObject({ ...STMT, args: [{ text: "" }, {}] }),
      "stmt.args[1] should be a value",
    ],
    [
      "no value of a name",
      executeObject({ ...STMT, named_args: [{ name: "a" }] }),
      "named_args[0] should be",
    ],
    ["no batch", { requests: [{ batch: {} }] }, "requests[0].batch should be a request with a batch"],
    ["a step of nothing", batchObject([{}]), "batch.steps[0] should be an object with a stmt"],
    [
      "a condition of no type",
      batchObject([{ condition: {}, stmt: STMT }]),
      "steps[0].condition should be a condition",
    ],
    [
      "a step before the first",
      batchObject([{ condition: { step_ok: 0 }, stmt: STMT }]),
      "steps[0].condition.step should be absent",
    ],
    [
      "a step that comes later",
      batchObject([{ stmt: STMT }, { condition: { not: { step_error: 1 } }, stmt: STMT }]),
      "steps[1].condition.cond.step should be an integer from 0 to 0",
    ],
  ])("are refused with %s", (_, message, place) => {
    const decode = (): unknown => decodePipelineRequest(encodeProto("PipelineReqBody", message));
    expect(decode).toThrow(place);
    expect(decode).toThrow(expect.objectContaining({ name: "WireError", code: "malformed" }));
  });

  it.each([
    ["a cursor without a batch", () => decodeCursorRequest(Uint8Array.of()), "malformed"],
    ["a message of no type", () => decodeClientMessage(Uint8Array.of()), "malformed"],
    ["a request of no type", () => decodeClientMessage(Uint8Array.of(0x12, 0)), "malformed"],
    ["a text that is not UTF-8", () => decodePipelineRequest(Uint8Array.of(0x0a, 1, 0xff)), "malformed"],
    ["a baton that is not UTF-8", () => findBaton(Uint8Array.of(0x0a, 1, 0xff), "protobuf"), "malformed"],
    ["a number for a text", () => decodePipelineRequest(Uint8Array.of(0x08, 1)), "malformed"],
    ["the field 0", () => decodePipelineRequest(Uint8Array.of(0x02, 0)), "malformed"],
    ["a group", () => decodePipelineRequest(Uint8Array.of(0x7b, 0x7c)), "malformed"],
    ["a number of 70 bits", () => decodePipelineRequest(hex("78ffffffffffffffffff02")), "malformed"],
    ["an id of 33 bits", () => decodePipelineRequest(hex("12083a06088080808010")), "malformed"],
    ["a number without an end", () => decodePipelineRequest(hex("78ff")), "truncated"],
    ["a length beyond the end", () => decodePipelineRequest(hex("0a05616263")), "truncated"],
    ["a length of 4 GB", () => decodePipelineRequest(hex("12ffffffff0f")), "truncated"],
    ["a length of 16 EB", () => findBaton(hex("12ffffffffffffffffff01"), "protobuf"), "truncated"],
    [
      "a length beyond the message it is in",
      () => decodePipelineRequest(hex("12043a0808010a00")),
      "truncated",
    ],
    ["a double cut off", () => decodePipelineRequest(hex("79010203")), "truncated"],
  ])("are refused with %s", (_, decode, code) => {
    expect(decode).toThrow(expect.objectContaining({ name: "WireError", code }));
  });

  it("have conditions nested 100 deep, not 101", () => {
    expect(decodeNested(99)).toMatchObject({ batch: { steps: [{}] } });
    expect(() => decodeNested(100)).toThrow("nested at most 100 deep");
    expect(() => decodeNested(20_000)).toThrow(WireError);
  });

  it("are counted before anything is kept of them", () => {
    const requests = (count: number): Uint8Array =>
      encodeProto("PipelineReqBody", { requests: Array.from({ length: count }, () => ({ close: {} })) });
    const steps = (count: number): object => ({
      steps: Array.from({ length: count }, () => ({ stmt: STMT })),
    });
    const batch = encodeProto("PipelineReqBody", { requests: [{ batch: { batch: steps(3) } }] });
    const cursor = encodeProto("CursorReqBody", { batch: steps(3) });
    const message = encodeProto("ClientMsg", { request: { open_cursor: { batch: steps(3) } } });
    for (const decode of [
      (maxStatements: number) => decodePipelineRequest(requests(4), { maxStatements }),
      (maxStatements: number) => decodePipelineRequest(batch, { maxStatements }),
      (maxStatements: number) => decodeCursorRequest(cursor, { maxStatements }),
      (maxStatements: number) => decodeClientMessage(message, { maxStatements }),
    ]) {
      decode(4);
      expect(() => decode(3)).toThrow(expect.objectContaining({ name: "WireError", code: "too-many" }));
    }
    // What is wrong after the limit is not looked at.
    expect(() => decodeCursorRequest(hex("12040a000a00"), { maxStatements: 0 })).toThrow(
      expect.objectContaining({ code: "too-many" }),
    );
  });

  it("give a value or a WireError, whatever comes", () => {
    fc.assert(
      fc.property(
        fc
          .tuple(fc.array(streamRequests, { maxLength: 2 }), batches, socketRequests)
          .chain(([requests, batch, request]) =>
            fc.oneof(
              junkLike(encodeProto("PipelineReqBody", { baton: "b", requests: requests.map(protoRequest) })),
              junkLike(encodeProto("CursorReqBody", { baton: "b", batch: protoBatch(batch) })),
              junkLike(encodeProto("ClientMsg", { request: { request_id: 7, ...protoRequest(request) } })),
            ),
          ),
        (bytes) => {
          expectValueOrWireError(() => decodePipelineRequest(bytes));
          expectValueOrWireError(() => decodeCursorRequest(bytes));
          expectValueOrWireError(() => decodeClientMessage(bytes));
          expectValueOrWireError(() => findBaton(bytes, "protobuf"));
        },
      ),
      { numRuns: 500 },
    );
  });
});

function executeObject(stmt: object): object {
  return { requests: [{ execute: { stmt } }] };
}

function batchObject(steps: readonly object[]): object {
  return { requests: [{ batch: { batch: { steps } } }] };
}

function executeWith(stmt: object): Uint8Array {
  return encodeProto("PipelineReqBody", executeObject(stmt));
}

function firstArgument(bytes: Uint8Array): unknown {
  const [request] = decodePipelineRequest(bytes).requests;
  if (request?.type !== "execute" || request.stmt.args?.[0] === undefined) throw new Error("no argument");
  return decodeHranaValue(request.stmt.args[0]);
}

/** A batch whose condition is that many `not` around another, built from the inside. */
function decodeNested(depth: number): unknown {
  let condition = Uint8Array.of(0x32, 0);
  for (let level = 0; level < depth; level++) condition = field(3, condition);
  const stmt = field(2, encodeProto("Stmt", protoStmt(STMT)));
  const step = Uint8Array.from([...field(1, condition), ...stmt]);
  return decodeCursorRequest(field(2, field(1, step)));
}

function field(number: number, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const length: number[] = [];
  let rest = message.length;
  for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  const bytes = new Uint8Array(2 + length.length + message.length);
  bytes.set([(number << 3) | 2, ...length, rest]);
  bytes.set(message, 2 + length.length);
  return bytes;
}

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
