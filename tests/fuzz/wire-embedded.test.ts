import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import {
  decodeLogOffset,
  decodeProxyProgram,
  findProxyClient,
  frameGrpcMessage,
  readGrpcMessage,
  WireError,
} from "@tributary/wire";
import { describe } from "vitest";
import { itSurvives } from "./support/fuzz.js";

// What embedded replicas of libSQL send.

const FILE = "wire-embedded.test.ts";
const isExpectedError = (error: unknown): boolean => error instanceof WireError;
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const from =
  (corpus: readonly Uint8Array[]) =>
  (random: SeededRandom): Uint8Array =>
    mutateBytes(corpus, random);

/** Bytes as the field of a message, in hex. */
const field = (number: number, ...parts: readonly string[]): string => {
  const content = parts.join("");
  const size = content.length / 2;
  const length = size < 0x80 ? [size] : [(size & 0x7f) | 0x80, size >> 7];
  return Buffer.from([(number << 3) | 2, ...length]).toString("hex") + content;
};
const text = (number: number, value: string): string => field(number, Buffer.from(value).toString("hex"));
const value = (data: string): string => field(1, field(1, data));

const INTEGER = "01000000feffffffffffffff";
const TEXT = "030000000200000000000000c3a9";
const BLOB = "04000000010000000000000000";
const QUERIES = [
  field(2, text(1, "INSERT INTO t VALUES (?, ?)"), field(2, value(INTEGER), value(TEXT))),
  field(2, text(1, "SELECT :a"), field(3, text(1, ":a"), field(2, field(1, BLOB))), "2001"),
  field(2, text(1, "COMMIT"), field(2)),
];
const CONDITIONS = [
  "",
  field(1, field(1)),
  field(1, field(3, field(1, field(4, field(1, field(1, "0801")), field(1, field(6)))))),
];
const STEPS = QUERIES.map((query, index) => field(1, CONDITIONS[index] as string, query));
const PROGRAMS = [STEPS, ...STEPS.map((_, index) => STEPS.slice(0, index + 1))].map((steps) =>
  bytes(text(1, "6f2a9c0e") + field(2, ...steps)),
);

describe("messages of embedded replicas", () => {
  itSurvives(FILE, "gRPC-web message", {
    makeInput: from([new Uint8Array(), bytes("0801"), ...PROGRAMS].map(frameGrpcMessage)),
    decode: readGrpcMessage,
    isExpectedError,
    count: 10_000,
  });
  itSurvives(FILE, "log offset", {
    makeInput: from([bytes(""), bytes("0804"), bytes("08ffffffffffffffffff011001")]),
    decode: decodeLogOffset,
    isExpectedError,
    count: 10_000,
  });
  itSurvives(FILE, "program", {
    makeInput: from(PROGRAMS),
    decode: (program) => [findProxyClient(program), decodeProxyProgram(program, { maxStatements: 10 })],
    isExpectedError,
    count: 5_000,
  });
});
