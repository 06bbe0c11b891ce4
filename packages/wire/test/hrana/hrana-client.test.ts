import {
  DelimitedDecoder,
  decodeClientMessage,
  decodeCursorRequest,
  decodePipelineRequest,
  encodeCursorEntry,
  encodeCursorHead,
  encodeServerMessage,
  encodeStreamResult,
  findBaton,
  frameCursorEntry,
  type HranaCursorEntry,
  type HranaServerMessage,
  joinPipelineResponse,
  parseClientMessage,
  parseCursorRequest,
  parsePipelineRequest,
} from "@tributary/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  batches,
  cursorEntries,
  errors,
  socketRequests,
  streamRequests,
  streamResults,
} from "./support/arbitraries.js";
import {
  clientBatch,
  clientEntry,
  clientError,
  clientRequest,
  clientResponse,
  clientResult,
  readJson,
  readProtobuf,
  writeJson,
  writeProtobuf,
} from "./support/hrana-client.js";

const TEXT = fc.option(fc.string({ unit: "grapheme" }), { nil: undefined });
const ID = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe("requests of hrana-client", () => {
  it("are read as they are meant: a pipeline", () => {
    fc.assert(
      fc.property(fc.array(streamRequests, { maxLength: 3 }), TEXT, (list, baton) => {
        const body = { baton, requests: list.map(clientRequest) };
        const json = writeJson("PipelineReqBody", body);
        const protobuf = writeProtobuf("PipelineReqBody", body);
        for (const read of [parsePipelineRequest(json), decodePipelineRequest(protobuf)])
          expect({ baton: read.baton ?? undefined, requests: read.requests.map(clientRequest) }).toEqual(
            body,
          );
        expect(findBaton(Buffer.from(json), "json") ?? undefined).toBe(baton);
        expect(findBaton(protobuf, "protobuf") ?? undefined).toBe(baton);
      }),
    );
  });

  it("are read as they are meant: a cursor", () => {
    fc.assert(
      fc.property(batches, TEXT, (batch, baton) => {
        const body = { baton, batch: clientBatch(batch) };
        const json = writeJson("CursorReqBody", body);
        const protobuf = writeProtobuf("CursorReqBody", body);
        for (const read of [parseCursorRequest(json), decodeCursorRequest(protobuf)])
          expect({ baton: read.baton ?? undefined, batch: clientBatch(read.batch) }).toEqual(body);
        expect(findBaton(Buffer.from(json), "json") ?? undefined).toBe(baton);
        expect(findBaton(protobuf, "protobuf") ?? undefined).toBe(baton);
      }),
    );
  });

  it("are read as they are meant: messages on a socket", () => {
    fc.assert(
      fc.property(socketRequests, ID, TEXT, (sent, requestId, jwt) => {
        const message = { type: "request", requestId, request: clientRequest(sent) };
        for (const read of [
          parseClientMessage(writeJson("ClientMsg", message)),
          decodeClientMessage(writeProtobuf("ClientMsg", message)),
        ]) {
          if (read.type !== "request") throw new Error("not a request");
          expect({
            type: "request",
            requestId: read.request_id,
            request: clientRequest(read.request),
          }).toEqual(message);
        }
        const hello = { type: "hello", jwt };
        const expected = { type: "hello", jwt: jwt ?? null };
        expect(parseClientMessage(writeJson("ClientMsg", hello))).toEqual(expected);
        expect(decodeClientMessage(writeProtobuf("ClientMsg", hello))).toEqual(expected);
      }),
    );
  });
});

describe("hrana-client", () => {
  it("understands a pipeline's answer", () => {
    fc.assert(
      fc.property(fc.array(streamResults, { maxLength: 3 }), TEXT, TEXT, (list, baton, baseUrl) => {
        const head = { baton: baton ?? null, base_url: baseUrl ?? null };
        const join = (format: "json" | "protobuf"): Uint8Array => {
          const encoded = list.map(({ type, result }) => encodeStreamResult(type, result, format));
          return joinPipelineResponse(format, head, encoded);
        };
        const expected = { baton, baseUrl, results: list.map(({ result }) => clientResult(result)) };
        expect(readJson("PipelineRespBody", Buffer.from(join("json")).toString())).toEqual(expected);
        expect(readProtobuf("PipelineRespBody", join("protobuf"))).toEqual(expected);
      }),
    );
  });

  it("understands a cursor's answer", () => {
    fc.assert(
      fc.property(fc.array(cursorEntries, { maxLength: 5 }), TEXT, (entries, baton) => {
        const head = { baton: baton ?? null, base_url: null };
        const parts = (format: "json" | "protobuf"): Uint8Array[] => [
          encodeCursorHead(format, head),
          ...entries.map((entry) => frameCursorEntry(encodeCursorEntry(entry, format), format)),
        ];
        const lines = Buffer.concat(parts("json")).toString().split("\n");
        expect(lines.pop()).toBe("");
        expect(readJson("CursorRespBody", lines.shift() as string)).toEqual({ baton });
        expect(lines.map((line) => readJson("CursorEntry", line))).toEqual(entries.map(clientEntry));

        const decoder = new DelimitedDecoder({ maxMessageBytes: 1_000_000 });
        decoder.push(Buffer.concat(parts("protobuf")));
        expect(readProtobuf("CursorRespBody", decoder.next() as Uint8Array)).toEqual({ baton });
        for (const entry of entries) {
          const read = readProtobuf("CursorEntry", decoder.next() as Uint8Array);
          expect(read).toEqual(clientEntry(asMisread(entry)));
        }
        decoder.end();
      }),
    );
  });

  it("understands messages on a socket", () => {
    fc.assert(
      fc.property(
        streamResults,
        // It counts its ids from 0, and cannot read a negative one back.
        fc.nat({ max: 2 ** 31 - 1 }),
        errors,
        fc.array(cursorEntries, { maxLength: 3 }),
        fc.boolean(),
        ({ type, result }, request_id, error, entries, done) => {
          for (const format of ["json", "protobuf"] as const) {
            const encoded = entries.map((entry) => encodeCursorEntry(entry, format));
            const response = { type: "fetch_cursor", entries: encoded, done } as const;
            expect(readServerMessage({ type: "response_ok", request_id, response }, format)).toEqual({
              type: "response_ok",
              requestId: request_id,
              response: {
                type: "fetch_cursor",
                entries: entries.map((entry) => clientEntry(format === "json" ? entry : asMisread(entry))),
                done,
              },
            });
            if (type !== "close") {
              const ofStream = encodeStreamResult(type, result, format);
              expect(
                readServerMessage({ type: "response_ok", request_id, result: ofStream }, format),
              ).toEqual(
                result.type === "ok"
                  ? { type: "response_ok", requestId: request_id, response: clientResponse(result.response) }
                  : { type: "response_error", requestId: request_id, error: clientError(result.error) },
              );
            }
            expect(readServerMessage({ type: "response_error", request_id, error }, format)).toEqual({
              type: "response_error",
              requestId: request_id,
              error: clientError(error),
            });
            expect(readServerMessage({ type: "hello_error", error }, format)).toEqual({
              type: "hello_error",
              error: clientError(error),
            });
          }
        },
      ),
    );
    for (const format of ["json", "protobuf"] as const) {
      expect(readServerMessage({ type: "hello_ok" }, format)).toEqual({ type: "hello_ok" });
      for (const type of [
        "open_stream",
        "close_stream",
        "open_cursor",
        "close_cursor",
        "store_sql",
        "close_sql",
      ] as const)
        expect(readServerMessage({ type: "response_ok", request_id: 5, response: { type } }, format)).toEqual(
          {
            type: "response_ok",
            requestId: 5,
            response: { type },
          },
        );
    }
  });
});

function readServerMessage(message: HranaServerMessage, format: "json" | "protobuf"): unknown {
  const encoded = encodeServerMessage(message, format);
  return typeof encoded === "string" ? readJson("ServerMsg", encoded) : readProtobuf("ServerMsg", encoded);
}

/** Its protobuf takes the rowid of a step's end, which is a `sint64`, for a `uint64`, and shows nobody what comes of it. */
function asMisread(entry: HranaCursorEntry): HranaCursorEntry {
  if (entry.type !== "step_end" || entry.last_insert_rowid === null) return entry;
  const rowid = BigInt(entry.last_insert_rowid);
  const zigzag = BigInt.asUintN(64, (rowid << 1n) ^ (rowid >> 63n));
  return { ...entry, last_insert_rowid: String(zigzag) };
}
