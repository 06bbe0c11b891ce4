import { createSyncServer, type SyncServer, type SyncServerOptions } from "@tributary/server";
import { createMemoryChannels } from "@tributary/transports";
import { decodeLiveResults, encodeLiveBatch, type LiveStep, type LiveStepResult } from "@tributary/wire";
import { onTestFinished } from "vitest";
import { ManualClock } from "../../packages/server/test/support/manual-clock.js";
import { ScriptedLiveClient } from "./live-server-client.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** A server of many databases, on a clock that stands still. */
export function openLiveServer(options: Partial<SyncServerOptions> = {}): {
  server: SyncServer;
  clock: ManualClock;
} {
  const clock = new ManualClock();
  const place = options.path === undefined ? { dataDirectory: temporaryDirectory() } : {};
  const server = createSyncServer({
    clock,
    foreignCommitCheckMs: 0,
    maxWorkers: 0,
    createOnUse: true,
    ...place,
    ...options,
  });
  onTestFinished(() => server.close());
  return { server, clock };
}

/** A client on a channel in memory, after its hello. */
export async function connectLive(
  server: SyncServer,
  context: Parameters<SyncServer["acceptChannel"]>[1] = {},
  token?: string,
): Promise<ScriptedLiveClient> {
  const [left, right] = createMemoryChannels();
  server.acceptChannel(right, context);
  const client = new ScriptedLiveClient(left);
  client.hello(token);
  await client.next("welcome");
  return client;
}

/** Runs statements on a server as another client would. */
export async function runSql(server: SyncServer, database: string, ...statements: string[]): Promise<void> {
  const requests = statements.map((sql) => ({ type: "execute", stmt: { sql } }));
  const response = await server.fetch(
    new Request(`http://localhost/${database}/v2/pipeline`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ baton: null, requests: [...requests, { type: "close" }] }),
    }),
  );
  const { results } = (await response.json()) as { results: { type: string }[] };
  if (results.some(({ type }) => type !== "ok")) throw new Error(JSON.stringify(results));
}

/** A step of a push that runs whatever came before. */
export function step(sql: string, params: LiveStep["params"] = [], more: Partial<LiveStep> = {}): LiveStep {
  return { sql, params, condition: "always", wantRows: false, ...more };
}

/** Pushes and gives the results. */
export async function pushSteps(
  client: ScriptedLiveClient,
  push: number,
  steps: readonly LiveStep[],
  isContinued = false,
): Promise<LiveStepResult[]> {
  client.say({ type: "push", sub: 1, push, isContinued, body: encodeLiveBatch(steps).body });
  const { body } = await client.next("pushed");
  return decodeLiveResults(body, steps.length);
}
