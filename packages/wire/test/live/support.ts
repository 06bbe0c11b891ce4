import type { LiveMessage, LiveStep, SqlValue } from "@tributary/wire";
import fc from "fast-check";

const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const amount = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const text = fc.string({ unit: "grapheme" });
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const bytes = fc.uint8Array({ maxLength: 200 });
const sub = number;
const type = <T extends LiveMessage["type"]>(name: T): fc.Arbitrary<T> => fc.constant(name);

const shared = [
  fc.record({ type: type("data"), sub, payload: bytes }),
  fc.record({ type: type("ping"), nonce: amount }),
  fc.record({ type: type("pong"), nonce: amount }),
];

export const clientMessages = fc.oneof(
  fc.record({ type: type("hello"), version: amount, token: optional(text), client: text }),
  fc.record({ type: type("token"), token: text }),
  fc.record({
    type: type("open"),
    sub,
    kind: fc.constantFrom("replica" as const, "stream" as const),
    database: text,
  }),
  fc.record({ type: type("close"), sub }),
  fc.record({
    type: type("pull"),
    sub,
    pull: number,
    clientRevision: optional(text),
    serverRevision: optional(text),
    pages: optional(fc.record({ from: amount, to: amount })),
    waitMs: amount,
    credit: amount,
  }),
  fc.record({ type: type("credit"), sub, pull: number, bytes: amount }),
  fc.record({ type: type("cancel"), sub, pull: number }),
  fc.record({ type: type("push"), sub, push: number, isContinued: fc.boolean(), body: bytes }),
  ...shared,
);

export const serverMessages = fc.oneof(
  fc.record({
    type: type("welcome"),
    expiresInMs: optional(amount),
    keepAliveMs: amount,
    maxMessageBytes: amount,
  }),
  fc.record({ type: type("opened"), sub }),
  fc.record({ type: type("header"), sub, pull: number, revision: text, databaseSize: amount }),
  fc.uint32Array({ maxLength: 3 }).chain((pageIds) =>
    fc.record({
      type: type("pages"),
      sub,
      pull: number,
      pageIds: fc.constant(pageIds),
      bytes: fc.constant(new Uint8Array(pageIds.length * 4096).fill(7)),
    }),
  ),
  fc.record({ type: type("end"), sub, pull: number }),
  fc.record({ type: type("pushed"), sub, push: number, body: bytes }),
  fc.record({
    type: type("failed"),
    sub: amount,
    request: amount,
    status: amount,
    code: text,
    message: text,
    retryAfterMs: optional(amount),
  }),
  ...shared,
);

export const values: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -70n, max: 70n }),
  fc.double(),
  fc.string({ unit: "grapheme", maxLength: 90 }),
  fc.uint8Array({ maxLength: 90 }),
);

export const steps: fc.Arbitrary<LiveStep[]> = fc.array(
  fc.record({
    sql: fc.constantFrom("INSERT INTO t VALUES (?)", "COMMIT", "", "é".repeat(100)),
    params: fc.array(values, { maxLength: 3 }),
    condition: fc.constantFrom("always" as const, "previous-ok" as const, "in-transaction" as const),
    wantRows: fc.boolean(),
  }),
);
