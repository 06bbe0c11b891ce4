import { stringifyPushAnswer } from "@tributary/wire";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { ServerDatabase } from "../../../src/database/server-database.js";
import { failureResponse } from "../../../src/http/failure-response.js";
import { toWebResponse } from "../../../src/http/to-web-response.js";
import { openBranchStore } from "../../../src/offline/file-branch-store.js";
import type { MergeFrames } from "../../../src/offline/merge-work.js";
import type { OfflineReplicas } from "../../../src/offline/offline-replicas.js";
import { openOfflineReplicas } from "../../../src/offline/open-offline-replicas.js";
import { settledPosition } from "../../../src/offline/settled-position.js";
import { parseOfflinePath } from "../../../src/routes/offline-path.js";
import { resolveServerOptions, type SyncServerOptions } from "../../../src/sync-server-options.js";
import { SqlWorkers } from "../../../src/workers/sql-workers.js";
import type { ManualClock } from "../../support/manual-clock.js";
import { openDatabase } from "../../support/open-database.js";
import { runSql } from "../../support/run-sql.js";
import { tempDirectory } from "../../support/temp-directory.js";
import { LibsqlReplica, type Send } from "./libsql-replica.js";

/** What tests do with the offline replicas of one database. */
export interface OfflineHarness {
  readonly database: ServerDatabase;
  readonly clock: ManualClock;
  readonly path: string;
  readonly replicas: OfflineReplicas;
  /** Time of day, ms since 1970, to be set. */
  readonly time: { now: number };
  /** Stands before every merge; may fail. Default: merges. */
  merge: MergeFrames;
  readonly send: Send;
  /** A replica of a device; undefined: in strict mode. `send` stands in for the way to the server. */
  replica(device?: string, send?: Send, batch?: number): Promise<LibsqlReplica>;
  /** Writes as another client of the server. */
  exec(sql: string): void;
  /** All rows of a query, as arrays. */
  all(sql: string): unknown[];
}

/** Opens a database, or one that another harness has left, with its offline replicas, on clocks that stand still. */
export function openOffline(
  options: Partial<SyncServerOptions> & { rollFrames?: number } = {},
): OfflineHarness {
  const { rollFrames, ...serverOptions } = options;
  const { database, clock, path } = openDatabase({ maxWorkers: 0, ...serverOptions });
  const workers = new SqlWorkers(
    resolveServerOptions({ maxWorkers: 0, clock, ...serverOptions, path }),
    () => undefined,
  );
  const time = { now: Date.UTC(2026, 0, 1) };
  const { walLimitBytes } = database.options;
  const replicas = openOfflineReplicas({
    database,
    store: openBranchStore(`${path}-offline`, { now: () => time.now }),
    mergedPosition: (clientId) => settledPosition(path, walLimitBytes, clientId),
    timeOfDay: () => time.now,
    ...(rollFrames !== undefined && { rollFrames }),
  });
  onTestFinished(() => {
    replicas.close();
    void workers.close();
  });
  const directory = tempDirectory();
  const harness: OfflineHarness = {
    database,
    clock,
    path,
    replicas,
    time,
    async merge(work) {
      const stream = await workers.open(database, false, () => {});
      try {
        return await stream.merge(work);
      } finally {
        stream.close();
      }
    },
    send: (request) => answer(harness, request),
    replica: (device, send = harness.send, batch = undefined) =>
      LibsqlReplica.open(
        send,
        device === undefined ? "http://h" : `http://h/device/${device}`,
        directory,
        batch,
      ),
    exec: (sql) => runSql(database, sql),
    all: (sql) => query(path, sql),
  };
  return harness;
}

function query(path: string, sql: string): unknown[] {
  const connection = new Database(path, { readonly: true });
  try {
    return connection.prepare(sql).raw().all();
  } finally {
    connection.close();
  }
}

/** What the routes do, without the rest of a server. */
async function answer({ replicas, merge }: OfflineHarness, request: Request): Promise<Response> {
  const [, device, pathname = ""] =
    /^(?:\/device\/([^/]+))?(\/.*)$/.exec(new URL(request.url).pathname) ?? [];
  const path = parseOfflinePath(pathname);
  if (typeof path === "string") throw new Error(path);
  try {
    if (path.type === "info") return Response.json({ current_generation: await replicas.info(device) });
    if (path.type === "export") {
      const { body } = await replicas.openImage(device, path.generation, () => {});
      return toWebResponse({ status: 200, headers: {}, body });
    }
    if (request.method === "GET") {
      const pulled = await replicas.pull(path.range);
      return pulled.type === "frames"
        ? new Response(new Uint8Array(pulled.body))
        : Response.json({ generation: pulled.generation }, { status: 400 });
    }
    const body = new Uint8Array(await request.arrayBuffer());
    const pushed = await replicas.push(path.range, { baton: path.baton, body, merge });
    return new Response(stringifyPushAnswer(pushed));
  } catch (error) {
    return toWebResponse(failureResponse(error));
  }
}
