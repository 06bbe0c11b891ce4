import type { RemoteBatch } from "@tributary/core";
import {
  ACCEPTS_HEADER,
  BATCH_CONTENT_TYPE,
  BATCH_PATH,
  decodeLiveBatch,
  encodeLiveResults,
  type LiveStepResult,
} from "@tributary/wire";
import { describe, expect, it } from "vitest";
import { failure, OK, ONCE, pullAll, REPEATABLE, setUpProtocol, TRANSPORTS } from "./test-protocol.js";
import { type Answer, cutAfter, hangUp, PROTOBUF, pullBody, sendStatus, startRemote } from "./test-remote.js";

const TELLS = { [ACCEPTS_HEADER]: "other-2, batch-1" };
const PIPELINE_PATH = "/v2/pipeline";
const ROW: LiveStepResult = { type: "ok", rows: [[1n]] };

/** An answer to a batch, in the form that it was asked in. */
const sendResults =
  (headers: Record<string, string> = {}, results: readonly LiveStepResult[] = [ROW]): Answer =>
  (response, { url }) => {
    const isLive = url === BATCH_PATH;
    response.writeHead(200, { "content-type": isLive ? BATCH_CONTENT_TYPE : "application/json", ...headers });
    response.end(isLive ? encodeLiveResults(results) : JSON.stringify(OK));
  };

describe.each(TRANSPORTS)("live batches with %s", (_name, transport) => {
  const context = setUpProtocol(transport);
  const paths = (): string[] => context.remote.requests.map(({ url }) => url);

  it("are sent to a remote that has told that it takes them, and give the same results", async () => {
    context.remote.answers = [sendResults(TELLS), sendResults()];
    const protocol = context.open();
    const first = await protocol.runRemoteBatch(ONCE);
    const second = await protocol.runRemoteBatch(ONCE);
    expect(second).toEqual(first);
    expect(paths()).toEqual([PIPELINE_PATH, BATCH_PATH]);
    const { headers, body } = context.remote.requests[1] as (typeof context.remote.requests)[number];
    expect(headers).toMatchObject({ "content-type": BATCH_CONTENT_TYPE, accept: BATCH_CONTENT_TYPE });
    expect(decodeLiveBatch(body, { maxStatements: 1 })).toEqual(ONCE.steps);
  });

  it("are sent when a pull has told it, or an answer that is a failure", async () => {
    const pull: Answer = (response) => {
      response.writeHead(200, { ...PROTOBUF, ...TELLS });
      response.end(pullBody(2, [1]));
    };
    context.remote.answers = [pull, sendResults()];
    const pulled = context.open();
    await pullAll(pulled);
    await pulled.runRemoteBatch(ONCE);
    context.remote.answers = [sendStatus(400, TELLS), sendResults()];
    context.remote.requests.length = 0;
    const refused = context.open();
    await expect(refused.runRemoteBatch(ONCE)).rejects.toThrow(failure("remote-rejected"));
    await refused.runRemoteBatch(ONCE);
    expect(paths()).toEqual([PIPELINE_PATH, BATCH_PATH]);
  });

  it.each([404, 405, 415])("go as a pipeline after a %d, until the remote tells it anew", async (status) => {
    const told = sendResults(TELLS);
    const older = sendResults();
    context.remote.answers = [told, sendStatus(status), older, older, told, told];
    const protocol = context.open();
    for (let batch = 0; batch < 5; batch++)
      expect(await protocol.runRemoteBatch(ONCE)).toEqual([{ type: "ok", rows: [[1n]] }]);
    expect(paths()).toEqual([
      ...[PIPELINE_PATH, BATCH_PATH, PIPELINE_PATH],
      ...[PIPELINE_PATH, PIPELINE_PATH, BATCH_PATH],
    ]);
  });

  it("are not tried again and again where something on the way refuses what the remote tells", async () => {
    const told = sendResults(TELLS);
    context.remote.answers = [told, sendStatus(404), told, told, told];
    const protocol = context.open();
    for (let batch = 0; batch < 4; batch++) await protocol.runRemoteBatch(ONCE);
    expect(paths().filter((path) => path === BATCH_PATH)).toHaveLength(1);
  });

  it("are tried again after a 404 that is not about them", async () => {
    const missing = sendStatus(404, TELLS);
    context.remote.answers = [missing, missing, missing, sendResults(TELLS)];
    const protocol = context.open();
    await expect(protocol.runRemoteBatch(ONCE)).rejects.toThrow(failure("remote-rejected", { status: 404 }));
    await expect(protocol.runRemoteBatch(ONCE)).rejects.toThrow(failure("remote-rejected", { status: 404 }));
    await protocol.runRemoteBatch(ONCE);
    expect(paths()).toEqual([PIPELINE_PATH, BATCH_PATH, PIPELINE_PATH, BATCH_PATH]);
  });

  it("are not sent to another remote than the one that told it", async () => {
    const other = await startRemote();
    try {
      context.remote.answers = [sendResults(TELLS)];
      other.answers = [sendResults()];
      const urls = [context.remote.url, other.url, other.url];
      const protocol = context.open({ url: () => urls.shift() ?? null });
      await protocol.runRemoteBatch(ONCE);
      await protocol.runRemoteBatch(ONCE);
      expect(other.requests.map(({ url }) => url)).toEqual([PIPELINE_PATH]);
    } finally {
      await other.close();
    }
  });

  it("are sent to another remote as soon as that one has told it too", async () => {
    const other = await startRemote();
    try {
      context.remote.answers = [sendResults(TELLS)];
      other.answers = [sendResults(TELLS), sendResults(TELLS)];
      const urls = [context.remote.url, other.url, other.url];
      const protocol = context.open({ url: () => urls.shift() ?? other.url });
      for (let batch = 0; batch < 3; batch++) await protocol.runRemoteBatch(ONCE);
      expect(other.requests.map(({ url }) => url)).toEqual([PIPELINE_PATH, BATCH_PATH]);
    } finally {
      await other.close();
    }
  });

  it.each([
    ["the connection is cut", hangUp, "unreachable", 1],
    [
      "the answer is cut",
      cutAfter(Buffer.from([0]), { "content-type": BATCH_CONTENT_TYPE }),
      "unreachable",
      1,
    ],
    ["500", sendStatus(500), "unreachable", 1],
    ["429", sendStatus(429), "ok", 2],
  ])("run once where they must not run twice: %s", async (_what, answer, outcome, sent) => {
    context.remote.answers = [sendResults(TELLS), answer, sendResults()];
    const protocol = context.open();
    await protocol.runRemoteBatch(ONCE);
    const result = await Promise.resolve(protocol.runRemoteBatch(ONCE)).then(
      () => "ok",
      (error: { code: string }) => error.code,
    );
    expect([result, paths().length - 1]).toEqual([outcome, sent]);
  });

  it("are sent again where that does no harm", async () => {
    context.remote.answers = [sendResults(TELLS), hangUp, sendStatus(500), sendResults()];
    const protocol = context.open();
    await protocol.runRemoteBatch(REPEATABLE);
    expect(await protocol.runRemoteBatch(REPEATABLE)).toEqual([ROW]);
  });

  it("ask once for a fresh token", async () => {
    const tokens = ["a", "old", "new"];
    context.remote.answers = [sendResults(TELLS), sendStatus(401), sendResults()];
    const protocol = context.open({ authToken: () => tokens.shift() });
    await protocol.runRemoteBatch(ONCE);
    await protocol.runRemoteBatch(ONCE);
    expect(context.remote.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer a",
      "Bearer old",
      "Bearer new",
    ]);
  });

  it("tell what became of each step", async () => {
    const results: LiveStepResult[] = [
      { type: "ok", rows: [] },
      { type: "error", message: "UNIQUE constraint failed", sqlCode: "SQLITE_CONSTRAINT_UNIQUE" },
      { type: "skipped" },
    ];
    context.remote.answers = [sendResults(TELLS), sendResults({}, results)];
    const protocol = context.open();
    await protocol.runRemoteBatch(ONCE);
    const [step] = ONCE.steps;
    const batch: RemoteBatch = { ...ONCE, steps: results.map(() => step as (typeof ONCE.steps)[number]) };
    expect(await protocol.runRemoteBatch(batch)).toEqual(results);
  });

  it.each([
    ["too few results", sendResults({}, []), "malformed-response"],
    ["too many results", sendResults({}, [ROW, ROW]), "malformed-response"],
    [
      "more than is read",
      sendResults({}, [{ type: "ok", rows: [["x".repeat(500)]] }]),
      "unexpected-response",
    ],
    ["another type", sendStatus(200, {}, "<html>"), "malformed-response"],
  ] as const)("refuse to take %s", async (_what, answer, code) => {
    context.remote.answers = [sendResults(TELLS), answer];
    const protocol = context.open({ maxAnswerBytes: 400 });
    await protocol.runRemoteBatch(ONCE);
    await expect(protocol.runRemoteBatch(ONCE)).rejects.toThrow(failure(code));
    expect(paths()).toEqual([PIPELINE_PATH, BATCH_PATH]);
  });

  it("end with their signal", async () => {
    const controller = new AbortController();
    context.remote.answers = [sendResults(TELLS), () => controller.abort()];
    const protocol = context.open();
    await protocol.runRemoteBatch(ONCE);
    await expect(protocol.withSignal(controller.signal).runRemoteBatch(ONCE)).rejects.toThrow(
      failure("aborted"),
    );
  });
});
