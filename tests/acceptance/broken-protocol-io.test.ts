import { join } from "node:path";
import type { MaybePromise, PageBatch, ProtocolIo, RemoteStep, RemoteStepResult } from "@tributary/core";
import { SyncError } from "@tributary/core";
import { createHttpProtocol } from "@tributary/protocol-http";
import { createSyncServer } from "@tributary/server";
import { protocolIoChecks } from "@tributary/testkit";
import { temporaryDirectory } from "../support/temporary-directory.js";
import { type Break, testBreaks } from "./test-breaks.js";

const WHOLE = "a pull of everything brings every page once, and they are the database";
const SINCE = "a pull since a revision brings what has changed, and no more";
const RANGES = "ranges of pages at a named revision make that revision, whatever was written since";
const VALUES = "values of every type come as they went";
const PREVIOUS_OK = "previous-ok: a failure or a skipped step keeps all that follow from running";
const FAILS = "a statement that fails is a result, with the reason, not a failure of the batch";

/** A port whose steps are sent otherwise. */
function withSteps(good: ProtocolIo, change: (step: RemoteStep) => RemoteStep): Partial<ProtocolIo> {
  return { runRemoteBatch: (batch) => good.runRemoteBatch({ ...batch, steps: batch.steps.map(change) }) };
}

/** A port whose results are told otherwise. */
function withResults(
  good: ProtocolIo,
  change: (result: RemoteStepResult) => RemoteStepResult,
): Partial<ProtocolIo> {
  return { runRemoteBatch: async (batch) => (await good.runRemoteBatch(batch)).map(change) };
}

/** A port whose values are told otherwise. */
function withValues(good: ProtocolIo, change: (value: unknown) => unknown): Partial<ProtocolIo> {
  return withResults(good, (result) =>
    result.type === "ok" ? { type: "ok", rows: result.rows.map((row) => row.map(change)) } : result,
  );
}

/** A port whose pages come otherwise. */
function withPages(good: ProtocolIo, change: (batch: PageBatch) => PageBatch): Partial<ProtocolIo> {
  return {
    receivePages: async (pull) => {
      const batch = await good.receivePages(pull);
      return batch && change(batch);
    },
  };
}

/** A port that has lost the way: its calls fail like this. */
function failing(error: Error): Partial<ProtocolIo> {
  const fail = (): MaybePromise<never> => Promise.reject(error);
  return { startPull: fail, runRemoteBatch: fail };
}

const BREAKS: readonly Break<ProtocolIo>[] = [
  {
    name: "a page is missing",
    caughtBy: WHOLE,
    broken: (good) =>
      withPages(good, ({ pageIds, bytes }) => ({
        pageIds: pageIds.slice(1),
        bytes: bytes.subarray(4096),
      })),
  },
  {
    name: "a page comes twice",
    caughtBy: WHOLE,
    broken: (good) =>
      withPages(good, ({ pageIds, bytes }) => ({
        pageIds: Uint32Array.of(...pageIds, pageIds[0] ?? 0),
        bytes: Buffer.concat([bytes, bytes.subarray(0, 4096)]),
      })),
  },
  {
    name: "page ids count from one",
    caughtBy: WHOLE,
    broken: (good) =>
      withPages(good, ({ pageIds, bytes }) => ({ pageIds: pageIds.map((id) => id + 1), bytes })),
  },
  {
    name: "pages of a batch share what they hold",
    caughtBy: WHOLE,
    broken: (good) =>
      withPages(good, ({ pageIds, bytes }) => ({ pageIds, bytes: bytes.fill(bytes[0] ?? 0, 4096) })),
  },
  {
    name: "a cut ends the pages like their end does",
    caughtBy: WHOLE,
    broken: (good) => {
      let batches = 0;
      return { receivePages: (pull) => (batches++ === 1 ? undefined : good.receivePages(pull)) };
    },
  },
  {
    name: "the revision of the client is not sent",
    caughtBy: SINCE,
    broken: (good) => ({ startPull: ({ clientRevision: _, ...request }) => good.startPull(request) }),
  },
  {
    name: "the pages since the revision before are taken for those since an older one",
    caughtBy: SINCE,
    broken: (good) => {
      let latest: string | undefined;
      return {
        startPull: async (request) => {
          const clientRevision = request.clientRevision === undefined ? undefined : latest;
          const started = await good.startPull({
            ...request,
            ...(clientRevision !== undefined && { clientRevision }),
          });
          latest = started.header.revision;
          return started;
        },
      };
    },
  },
  {
    name: "the range is not heeded",
    caughtBy: RANGES,
    broken: (good) => ({ startPull: ({ pages: _, ...request }) => good.startPull(request) }),
  },
  {
    name: "the named revision is not heeded",
    caughtBy: RANGES,
    broken: (good) => ({ startPull: ({ serverRevision: _, ...request }) => good.startPull(request) }),
  },
  {
    name: "a pull that has ended goes on",
    caughtBy: "endPull may come before all pages, and twice; then comes another pull",
    broken: () => ({ endPull: () => {} }),
  },
  {
    name: "ending a pull twice fails",
    caughtBy: "endPull may come before all pages, and twice; then comes another pull",
    broken: (good) => {
      const ended = new Set<unknown>();
      return {
        endPull: (pull) => {
          if (ended.has(pull)) throw new Error("no such pull");
          ended.add(pull);
          return good.endPull(pull);
        },
      };
    },
  },
  {
    name: "steps run whatever became of the one before",
    caughtBy: PREVIOUS_OK,
    broken: (good) =>
      withSteps(good, (step) => (step.condition === "previous-ok" ? { ...step, condition: "always" } : step)),
  },
  {
    name: "a skipped step counts as run",
    caughtBy: PREVIOUS_OK,
    broken: (good) =>
      withResults(good, (result) => (result.type === "skipped" ? { type: "ok", rows: [] } : result)),
  },
  {
    name: "in-transaction is taken for previous-ok",
    caughtBy: "in-transaction: a step runs where a transaction is open, whatever became of the one before",
    broken: (good) =>
      withSteps(good, (step) =>
        step.condition === "in-transaction" ? { ...step, condition: "previous-ok" } : step,
      ),
  },
  {
    name: "what is left open is committed",
    caughtBy: "what a batch leaves open is rolled back, and holds nobody up",
    broken: (good) => ({
      runRemoteBatch: async (batch) => {
        const commit: RemoteStep = {
          sql: "COMMIT",
          params: [],
          condition: "in-transaction",
          wantRows: false,
        };
        return (await good.runRemoteBatch({ ...batch, steps: [...batch.steps, commit] })).slice(0, -1);
      },
    }),
  },
  {
    name: "a batch runs twice",
    caughtBy: "a batch runs once",
    broken: (good) => ({
      runRemoteBatch: async (batch) => {
        await good.runRemoteBatch(batch);
        return await good.runRemoteBatch(batch);
      },
    }),
  },
  {
    name: "a failure of a statement is one of the batch",
    caughtBy: FAILS,
    broken: (good) => ({
      runRemoteBatch: async (batch) => {
        const results = await good.runRemoteBatch(batch);
        const error = results.find((result) => result.type === "error");
        if (error !== undefined) throw new SyncError("remote-sql-failed", error.message);
        return results;
      },
    }),
  },
  {
    name: "messages are left out",
    caughtBy: FAILS,
    broken: (good) =>
      withResults(good, (result) => (result.type === "error" ? { ...result, message: "failed" } : result)),
  },
  {
    name: "codes are left out",
    caughtBy: "a statement that fails has SQLite's extended code",
    broken: (good) =>
      withResults(good, (result) => (result.type === "error" ? { ...result, sqlCode: undefined } : result)),
  },
  {
    name: "integers are numbers",
    caughtBy: VALUES,
    broken: (good) => withValues(good, (value) => (typeof value === "bigint" ? Number(value) : value)),
  },
  {
    name: "whole numbers are integers",
    caughtBy: VALUES,
    broken: (good) =>
      withSteps(good, (step) => ({
        ...step,
        params: step.params.map((value) =>
          typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value,
        ),
      })),
  },
  {
    name: "text ends at the first zero",
    caughtBy: VALUES,
    broken: (good) => withValues(good, (value) => (typeof value === "string" ? value.split("\0")[0] : value)),
  },
  {
    name: "bytes are base64",
    caughtBy: VALUES,
    broken: (good) =>
      withValues(good, (value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
      ),
  },
  {
    name: "the error of an unreachable remote is none of ours",
    caughtBy: "startPull says that the remote is unreachable",
    broken: () => failing(new Error("ECONNREFUSED")),
  },
  {
    name: "the error of an unreachable remote has another code",
    caughtBy: "runRemoteBatch says that the remote is unreachable",
    broken: () => failing(new SyncError("remote-rejected", "no")),
  },
];

testBreaks("the suite of ProtocolIo fails where", protocolIoChecks(), BREAKS, (wrap) => () => {
  const sync = createSyncServer({ path: join(temporaryDirectory(), "server.db"), maxWorkers: 0 });
  const url = "http://remote";
  const send: typeof fetch = (input, init) => sync.fetch(new Request(input, init));
  const remote = createHttpProtocol({ url, fetch: send });
  const other = createHttpProtocol({ url, fetch: send });
  const refuse: typeof fetch = () =>
    Promise.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
  return {
    remote: wrap(remote),
    unreachable: wrap(createHttpProtocol({ url, fetch: refuse, retry: { attempts: 1 } })),
    query: async (sql: string) => {
      const steps: RemoteStep[] = [{ sql, params: [], condition: "always", wantRows: true }];
      const [result] = await other.runRemoteBatch({ steps, repeatable: false });
      if (result?.type !== "ok") throw new Error(`${sql}: ${JSON.stringify(result)}`);
      return result.rows;
    },
    cleanUp: () => sync.close(),
  };
});
