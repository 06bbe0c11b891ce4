import { type RemoteBatch, SyncError } from "@tributary/core";
import { createHttpProtocol, type HttpProtocol } from "@tributary/protocol-http";
import { mutateBytes, mutateJson, type SeededRandom } from "@tributary/testkit";
import { describe } from "vitest";
import { itSurvivesAsync } from "./support/fuzz.js";
import { hostileFetch, withHead } from "./support/hostile-fetch.js";
import { HRANA_RESPONSES } from "./support/hrana-corpus.js";
import { PULL_ANSWERS } from "./support/pull-corpus.js";

const FILE = "protocol-http.test.ts";
/** Nothing else, and not even that for a mistake of our own. */
const isExpectedError = (error: unknown): boolean => error instanceof SyncError && error.code !== "internal";
const maxBytes = (bytes: number): number => 16 * 1024 * 1024 + 64 * bytes;

const BATCH: RemoteBatch = {
  steps: ["BEGIN", "SELECT 1", "COMMIT"].map((sql) => ({
    sql,
    params: [],
    condition: "previous-ok",
    wantRows: true,
  })),
  repeatable: false,
};
const STEPS = BATCH.steps.length;
const [row] = HRANA_RESPONSES.map(
  (text) => JSON.parse(text) as { results: [{ response: { result: { step_results: unknown[] } } }] },
);
const stepResult = row?.results[0].response.result.step_results[0];
/** One answer for each of the ways in which the steps can end, with a stream that stays open and one that does not. */
const DOCUMENTS: readonly unknown[] = [null, "stream"].map((baton, index) => ({
  baton,
  base_url: null,
  results: [
    {
      type: "ok",
      response: {
        type: "batch",
        result: {
          step_results: [stepResult, index === 0 ? stepResult : null, null],
          step_errors: [null, index === 0 ? null : { message: "no", code: "SQLITE_BUSY" }, null],
        },
      },
    },
  ],
}));
const RESPONSES = DOCUMENTS.map((document) => new Uint8Array(Buffer.from(JSON.stringify(document))));

/** A protocol whose remote gives one answer, whose time stands still, and which tries twice. */
function protocolTo(answer: Uint8Array, contentType: string): HttpProtocol {
  return createHttpProtocol({
    url: "http://remote.example/db",
    fetch: hostileFetch(answer, contentType),
    retry: { attempts: 2 },
    clock: { now: () => 0, sleep: async () => {}, startTimer: () => () => {}, random: () => 0 },
  });
}

async function pull(answer: Uint8Array): Promise<void> {
  const protocol = protocolTo(answer, "application/protobuf");
  try {
    const { pull, header } = await protocol.startPull({ longPollTimeoutMs: 0 });
    for (let batch = await protocol.receivePages(pull); batch !== undefined; ) {
      if (batch.bytes.length !== batch.pageIds.length * 4096)
        throw new Error("bytes that do not fit the ids");
      if (batch.pageIds.some((id) => id >= header.databaseSize)) throw new Error("a page beyond the end");
      batch = await protocol.receivePages(pull);
    }
    protocol.endPull(pull);
  } finally {
    await protocol.close();
  }
}

async function runBatch(answer: Uint8Array): Promise<void> {
  const protocol = protocolTo(answer, "application/json");
  try {
    const results = await protocol.runRemoteBatch(BATCH);
    if (results.length !== STEPS) throw new Error(`${results.length} results`);
  } finally {
    await protocol.close();
  }
}

function responseLike(random: SeededRandom): Uint8Array {
  const body = random.chance(0.4)
    ? mutateBytes(RESPONSES, random)
    : Buffer.from(JSON.stringify(mutateJson(DOCUMENTS, random)) ?? "");
  return withHead(body, random);
}

describe("answers of a hostile remote", () => {
  itSurvivesAsync(FILE, "pull", {
    makeInput: (random) => withHead(mutateBytes(PULL_ANSWERS, random), random),
    decode: pull,
    isExpectedError,
    maxBytes,
    count: 5_000,
  });
  itSurvivesAsync(FILE, "batch", {
    makeInput: responseLike,
    decode: runBatch,
    isExpectedError,
    maxBytes,
    count: 5_000,
  });
});
