import type {
  MaybePromise,
  PageBatch,
  ProtocolIo,
  RemoteBatch,
  SyncError,
  SyncErrorCode,
} from "@tributary/core";
import { createHttpProtocol, type HttpProtocol, type HttpProtocolOptions } from "@tributary/protocol-http";
import { afterEach, beforeEach, expect } from "vitest";
import { TestClock } from "./test-clock.js";
import { startRemote, type TestRemote } from "./test-remote.js";

/** What every behaviour is tested with. */
export const TRANSPORTS: readonly [string, Partial<HttpProtocolOptions>][] = [
  ["undici", {}],
  ["fetch", { fetch: (...args: Parameters<typeof fetch>) => fetch(...args) }],
];

/** A remote and a clock of its own for each test. */
export interface ProtocolContext {
  remote: TestRemote;
  clock: TestClock;
  /** A protocol that speaks to the remote; closed after the test. */
  open(options?: Partial<HttpProtocolOptions>): HttpProtocol;
}

export function setUpProtocol(transport: Partial<HttpProtocolOptions>): ProtocolContext {
  const opened: HttpProtocol[] = [];
  const context = {
    open(options: Partial<HttpProtocolOptions> = {}): HttpProtocol {
      const { remote, clock } = context;
      const protocol = createHttpProtocol({ url: remote.url, clock, ...transport, ...options });
      opened.push(protocol);
      return protocol;
    },
  } as ProtocolContext;
  beforeEach(async () => {
    context.remote = await startRemote();
    context.clock = new TestClock();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((protocol) => protocol.close()));
    await context.remote.close();
  });
  return context;
}

export const PULL = { longPollTimeoutMs: 0 };
export const REPEATABLE: RemoteBatch = {
  steps: [{ sql: "SELECT 1", params: [], condition: "always", wantRows: true }],
  repeatable: true,
};
export const ONCE: RemoteBatch = { ...REPEATABLE, repeatable: false };
export const OK = {
  baton: null,
  base_url: null,
  results: [
    {
      type: "ok",
      response: {
        type: "batch",
        result: {
          step_results: [
            {
              cols: [{ name: "1" }],
              rows: [[{ type: "integer", value: "1" }]],
              affected_row_count: 0,
              last_insert_rowid: null,
            },
          ],
          step_errors: [null],
        },
      },
    },
  ],
};

export const failure = (code: SyncErrorCode, details: object = {}): unknown =>
  expect.objectContaining({ name: "SyncError", code, details: expect.objectContaining(details) });

export async function pullAll(io: ProtocolIo): Promise<PageBatch[]> {
  const { pull } = await io.startPull(PULL);
  try {
    const batches: PageBatch[] = [];
    for (let batch = await io.receivePages(pull); batch !== undefined; batch = await io.receivePages(pull))
      batches.push(batch);
    return batches;
  } finally {
    await io.endPull(pull);
  }
}

/** The error of an operation that is to fail. */
export async function errorOf(operation: MaybePromise<unknown>): Promise<SyncError> {
  try {
    await operation;
  } catch (error) {
    return error as SyncError;
  }
  throw new Error("the operation did not fail");
}
