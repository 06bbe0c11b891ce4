import type { RemoteStep, RemoteStepResult, StepCondition } from "@tributary/core";
import { decodeLiveBatch, encodeLiveResults, type LiveStep, type LiveStepResult } from "@tributary/wire";
import { expect, test } from "vitest";
import type { LiveRemote } from "../../src/index.js";
import { type ScriptedChannel, ScriptedServer } from "./scripted-server.js";

const OK: LiveStepResult = { type: "ok", rows: [] };
const SKIPPED: LiveStepResult = { type: "skipped" };
const FAILED: LiveStepResult = {
  type: "error",
  message: "UNIQUE constraint failed",
  sqlCode: "SQLITE_CONSTRAINT",
};
/** Small, so that a few steps fill a part. */
const MAX_MESSAGE_BYTES = 1_200;

const step = (sql: string, condition: StepCondition = "previous-ok", size = 0): RemoteStep => ({
  sql,
  params: size === 0 ? [] : [new Uint8Array(size)],
  condition,
  wantRows: false,
});

/** BEGIN, inserts of 400 bytes, COMMIT, and ROLLBACK if that did not come to be. */
const transaction = (inserts: number): RemoteStep[] => [
  step("BEGIN", "always"),
  ...Array.from({ length: inserts }, (_, index) => step(`INSERT ${index + 1}`, "previous-ok", 400)),
  step("COMMIT"),
  step("ROLLBACK", "in-transaction"),
];

interface Part {
  readonly steps: readonly LiveStep[];
  readonly isContinued: boolean;
  reply(...results: LiveStepResult[]): void;
}

async function nextPart(channel: ScriptedChannel): Promise<Part> {
  const { sub, push, isContinued, body } = await channel.take("push");
  return {
    steps: decodeLiveBatch(body, { maxStatements: 1_000 }),
    isContinued,
    reply: (...results) => channel.send({ type: "pushed", sub, push, body: encodeLiveResults(results) }),
  };
}

const sqlOf = ({ steps }: Part): string[] => steps.map(({ sql }) => sql);
const typesOf = (results: readonly RemoteStepResult[]): string[] => results.map(({ type }) => type);

async function begin(
  steps: readonly RemoteStep[],
  options: ConstructorParameters<typeof ScriptedServer>[0] = {},
): Promise<{
  server: ScriptedServer;
  remote: LiveRemote;
  channel: ScriptedChannel;
  pushing: Promise<readonly RemoteStepResult[]>;
}> {
  const server = new ScriptedServer(options);
  const remote = server.client.replica();
  const pushing = Promise.resolve(remote.runRemoteBatch({ steps, repeatable: false }));
  pushing.catch(() => {});
  const channel = await server.open({ maxMessageBytes: MAX_MESSAGE_BYTES });
  return { server, remote, channel, pushing };
}

test("a batch that fits goes as one, and gives one result for each step", async () => {
  const { channel, pushing } = await begin([
    { sql: "SELECT ?", params: [5n], condition: "always", wantRows: true },
    step("nonsense"),
    step("SELECT 2"),
  ]);
  const part = await nextPart(channel);
  expect(part.isContinued).toBe(false);
  expect(part.steps[0]).toEqual({ sql: "SELECT ?", params: [5n], condition: "always", wantRows: true });
  part.reply({ type: "ok", rows: [[5n]] }, FAILED, SKIPPED);
  expect(await pushing).toEqual([{ type: "ok", rows: [[5n]] }, FAILED, SKIPPED]);
});

test("a long one goes in parts, one after the other, on one transaction", async () => {
  const { server, channel, pushing } = await begin(transaction(4));
  const first = await nextPart(channel);
  expect(sqlOf(first)).toEqual(["BEGIN", "INSERT 1", "INSERT 2", "SELECT 1"]);
  expect(first.steps.at(-1)?.condition).toBe("in-transaction");
  expect(first.isContinued).toBe(true);
  await server.clock.advance(0);
  expect(channel.count("push")).toBe(1);
  first.reply(OK, OK, OK, OK);
  const second = await nextPart(channel);
  expect(sqlOf(second)).toEqual(["INSERT 3", "INSERT 4", "COMMIT", "ROLLBACK"]);
  // Not outside of the transaction, should that be lost.
  expect(second.steps[0]?.condition).toBe("in-transaction");
  expect(second.steps[1]?.condition).toBe("previous-ok");
  expect(second.isContinued).toBe(false);
  second.reply(OK, OK, OK, SKIPPED);
  expect(typesOf(await pushing)).toEqual(["ok", "ok", "ok", "ok", "ok", "ok", "skipped"]);
  expect(channel.messages.filter(({ type }) => type === "push")).toHaveLength(2);
});

test("no message is longer than the server takes, and the steps come in their order", async () => {
  const { channel, pushing } = await begin(transaction(20));
  const all: string[] = [];
  for (;;) {
    const part = await nextPart(channel);
    all.push(...sqlOf(part).filter((sql) => sql !== "SELECT 1"));
    part.reply(...part.steps.map(() => OK));
    if (!part.isContinued) break;
  }
  expect(await pushing).toHaveLength(23);
  expect(all).toEqual(transaction(20).map(({ sql }) => sql));
  for (const message of channel.messages) {
    if (message.type === "push") expect(message.body.length).toBeLessThan(MAX_MESSAGE_BYTES);
  }
});

test("after a failed step what depends on it is not sent, but the rollback is", async () => {
  const { channel, pushing } = await begin(transaction(20));
  const first = await nextPart(channel);
  first.reply(OK, OK, FAILED, OK);
  const last = await nextPart(channel);
  expect(sqlOf(last)).toEqual(["ROLLBACK"]);
  expect(last.isContinued).toBe(false);
  last.reply(OK);
  const types = typesOf(await pushing);
  expect(types.slice(0, 4)).toEqual(["ok", "ok", "error", "skipped"]);
  expect(types.slice(4)).toEqual([...Array(18).fill("skipped"), "ok"]);
});

test("what nothing would end any more is rolled back all the same", async () => {
  const steps = transaction(4).slice(0, -1);
  const { channel, pushing } = await begin(steps);
  (await nextPart(channel)).reply(OK, OK, FAILED, OK);
  const last = await nextPart(channel);
  expect([last.steps, last.isContinued]).toEqual([[], false]);
  last.reply();
  expect(typesOf(await pushing)).toEqual(["ok", "ok", "error", "skipped", "skipped", "skipped"]);
});

test("steps that need nothing of the others go on after a failure, outside of a transaction", async () => {
  const steps = [1, 2, 3, 4].map((index) => step(`INSERT ${index}`, "always", 400));
  const { channel, pushing } = await begin(steps);
  (await nextPart(channel)).reply(OK, FAILED, SKIPPED);
  const second = await nextPart(channel);
  expect(second.steps.map(({ sql, condition }) => [sql, condition])).toEqual([
    ["INSERT 3", "always"],
    ["INSERT 4", "always"],
  ]);
  second.reply(OK, OK);
  expect(typesOf(await pushing)).toEqual(["ok", "error", "ok", "ok"]);
});

test("a transaction that was lost between two parts is a failure, and nothing of the rest has run", async () => {
  const { server, channel, pushing } = await begin(transaction(4));
  (await nextPart(channel)).reply(OK, OK, OK, OK);
  (await nextPart(channel)).reply(SKIPPED, SKIPPED, SKIPPED, SKIPPED);
  await expect(pushing).rejects.toMatchObject({ code: "unreachable" });
  await expect(pushing).rejects.toThrow(/ended the transaction/);
  await server.clock.advance(0);
  expect(channel.count("close")).toBe(1);
});

test("so is one that the server says to have rolled back meanwhile", async () => {
  const { channel, pushing } = await begin(transaction(4));
  (await nextPart(channel)).reply(OK, OK, OK, OK);
  const { sub, push } = await channel.take("push");
  channel.fail(sub, push, 409, "transaction-lost");
  await expect(pushing).rejects.toMatchObject({ code: "unreachable" });
  await channel.take("close");
});

test("a cut before the answer leaves the outcome unknown, and it is not sent again", async () => {
  const { server, channel, pushing } = await begin([step("INSERT", "always")]);
  await nextPart(channel);
  channel.end.close("cut");
  await expect(pushing).rejects.toMatchObject({ code: "unreachable" });
  await server.clock.advance(10_000);
  expect(server.channels).toHaveLength(1);
});

test("a server that does not answer a batch has so much time; the next batch does not wait behind it", async () => {
  const { server, remote, channel, pushing } = await begin([step("INSERT", "always")]);
  const { sub } = await channel.take("push");
  await Promise.all([
    expect(pushing).rejects.toMatchObject({ code: "timeout" }),
    server.clock.advance(1_000),
  ]);
  expect(await channel.take("close")).toEqual({ type: "close", sub });
  const next = remote.runRemoteBatch({ steps: [step("SELECT 1", "always")], repeatable: true });
  expect((await channel.open()).sub).not.toBe(sub);
  (await nextPart(channel)).reply(OK);
  expect(typesOf(await next)).toEqual(["ok"]);
});

test("an abort between two parts has the server roll back", async () => {
  const server = new ScriptedServer();
  const controller = new AbortController();
  const io = server.client.replica().withSignal(controller.signal);
  const pushing = Promise.resolve(io.runRemoteBatch({ steps: transaction(4), repeatable: false }));
  const channel = await server.open({ maxMessageBytes: MAX_MESSAGE_BYTES });
  await nextPart(channel);
  controller.abort();
  await expect(pushing).rejects.toMatchObject({ code: "aborted" });
  await channel.take("close");
});

test("batches go one after the other, whatever became of the one before", async () => {
  const { server, remote, channel, pushing } = await begin(transaction(4));
  const second = remote.runRemoteBatch({ steps: [step("SELECT 'second'", "always")], repeatable: true });
  const first = await nextPart(channel);
  await server.clock.advance(0);
  expect(channel.count("push")).toBe(1);
  first.reply(FAILED, SKIPPED, SKIPPED, SKIPPED);
  const rest = await nextPart(channel);
  expect(sqlOf(rest)).toEqual(["ROLLBACK"]);
  rest.reply(SKIPPED);
  await pushing;
  const part = await nextPart(channel);
  expect(sqlOf(part)).toEqual(["SELECT 'second'"]);
  channel.fail(1, 3, 500, "internal");
  const third = remote.runRemoteBatch({ steps: [step("SELECT 3", "always")], repeatable: true });
  await expect(second).rejects.toMatchObject({ code: "unreachable" });
  (await nextPart(channel)).reply(OK);
  await third;
});

test.each([
  ["too few results", encodeLiveResults([OK])],
  ["bytes that are none", Uint8Array.of(200)],
])("%s are malformed", async (_name, body) => {
  const { channel, pushing } = await begin([step("SELECT 1", "always"), step("SELECT 2")]);
  const { sub, push } = await channel.take("push");
  channel.send({ type: "pushed", sub, push, body });
  await expect(pushing).rejects.toMatchObject({ code: "malformed-response" });
});

test("what cannot be sent at all fails with the reason", async () => {
  const { pushing } = await begin([step("INSERT", "always", 5_000)]);
  await expect(pushing).rejects.toMatchObject({ code: "remote-rejected" });
  const { pushing: unsendable } = await begin([
    { sql: "SELECT ?", params: [2n ** 70n], condition: "always", wantRows: false },
  ]);
  await expect(unsendable).rejects.toMatchObject({ code: "internal" });
});

test("a batch without steps asks nothing", async () => {
  const { channel, pushing } = await begin([]);
  expect(await pushing).toEqual([]);
  expect(channel.count("push")).toBe(0);
});
