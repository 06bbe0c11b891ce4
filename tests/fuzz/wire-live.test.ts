import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import {
  decodeLiveBatch,
  decodeLiveClientMessage,
  decodeLiveResults,
  decodeLiveServerMessage,
  encodeLiveBatch,
  encodeLiveMessage,
  encodeLiveResults,
  type LiveMessage,
  type LiveStep,
  WireError,
} from "@tributary/wire";
import { describe } from "vitest";
import { itSurvives } from "./support/fuzz.js";

const FILE = "wire-live.test.ts";
const isExpectedError = (error: unknown): boolean => error instanceof WireError;
const from =
  (corpus: readonly Uint8Array[]) =>
  (random: SeededRandom): Uint8Array =>
    mutateBytes(corpus, random);

const MESSAGES: LiveMessage[] = [
  { type: "hello", version: 1, token: "a.b.c", client: "é\u{1f600}" },
  { type: "open", sub: 1, kind: "stream", database: "main" },
  {
    type: "pull",
    sub: 1,
    pull: 300,
    clientRevision: "r1",
    serverRevision: undefined,
    pages: { from: 0, to: 70_000 },
    waitMs: 30_000,
    credit: 2 ** 40,
  },
  { type: "push", sub: 1, push: 2, isContinued: true, body: Uint8Array.of(1, 2, 3) },
  { type: "welcome", expiresInMs: 60_000, keepAliveMs: 30_000, maxMessageBytes: 2 ** 24 },
  { type: "header", sub: 1, pull: 1, revision: "r2", databaseSize: 300 },
  { type: "pages", sub: 1, pull: 1, pageIds: Uint32Array.of(9), bytes: new Uint8Array(4096) },
  {
    type: "failed",
    sub: 1,
    request: 2,
    status: 503,
    code: "closed",
    message: "later",
    retryAfterMs: 1_000,
  },
  { type: "data", sub: 1, payload: Uint8Array.of(1) },
  { type: "ping", nonce: 2 ** 53 - 1 },
];
const STEPS: LiveStep[] = [
  { sql: "BEGIN", params: [], condition: "always", wantRows: false },
  ...[1n, -(2n ** 63n), "é", 1.5, null, new Uint8Array(70)].map(
    (value): LiveStep => ({
      sql: "INSERT INTO t VALUES (?, ?)",
      params: [value, "x".repeat(70)],
      condition: "previous-ok",
      wantRows: false,
    }),
  ),
  { sql: "SELECT 1", params: [], condition: "in-transaction", wantRows: true },
];
const RESULTS = encodeLiveResults([
  { type: "ok", rows: [] },
  { type: "ok", rows: [[1n, "a"]] },
  { type: "error", message: "no", sqlCode: "SQLITE_BUSY" },
  { type: "skipped" },
]);

describe("the live protocol", () => {
  itSurvives(FILE, "message", {
    makeInput: from(MESSAGES.map(encodeLiveMessage)),
    decode: (bytes) => {
      // What one side can read the other one cannot, but for what both say.
      const isOfServer = (bytes[0] ?? 0) >= 16 && (bytes[0] ?? 0) < 32;
      const message = isOfServer ? decodeLiveServerMessage(bytes) : decodeLiveClientMessage(bytes);
      return encodeLiveMessage(message);
    },
    isExpectedError,
    count: 40_000,
  });
  itSurvives(FILE, "batch", {
    makeInput: from([encodeLiveBatch(STEPS).body]),
    decode: (bytes) => encodeLiveBatch(decodeLiveBatch(bytes, { maxStatements: 1_000 })).body,
    isExpectedError,
    count: 20_000,
  });
  itSurvives(FILE, "results", {
    makeInput: from([RESULTS]),
    decode: (bytes) => encodeLiveResults(decodeLiveResults(bytes, 4)),
    isExpectedError,
    count: 20_000,
  });
});
