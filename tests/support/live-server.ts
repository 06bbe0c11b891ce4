import { join } from "node:path";
import type { Connect } from "@tributary/live";
import { createSyncServer, type SyncServer, type SyncServerOptions } from "@tributary/server";
import { createMemoryChannels } from "@tributary/transports";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "./temporary-directory.js";

/** Tributary's own server, reached over channels in memory. */
export interface LiveServer {
  readonly file: string;
  readonly sync: SyncServer;
  readonly connect: Connect;
  /** Runs SQL on the server by another way, and gives the rows as arrays; integers as `bigint`. */
  query(sql: string): Promise<unknown[][]>;
  close(): Promise<void>;
}

/** Starts one for a test. */
export function startLiveServer(options: Partial<SyncServerOptions> = {}): LiveServer {
  const file = options.path ?? join(temporaryDirectory(), "server.db");
  const sync = createSyncServer({ path: file, maxWorkers: 0, ...options });
  const close = (): Promise<void> => sync.close();
  onTestFinished(close);
  return {
    file,
    sync,
    connect: async () => {
      const [client, server] = createMemoryChannels();
      sync.acceptChannel(server);
      return client;
    },
    query: (sql) => query(sync, sql),
    close,
  };
}

interface Answer {
  readonly results: readonly [
    {
      readonly error?: { readonly message: string };
      readonly response?: { readonly result: { readonly rows: readonly (readonly Value[])[] } };
    },
  ];
}

interface Value {
  readonly type: string;
  readonly value?: string;
  readonly base64?: string;
}

async function query(sync: SyncServer, sql: string): Promise<unknown[][]> {
  const requests = [{ type: "execute", stmt: { sql, want_rows: true } }, { type: "close" }];
  const request = new Request("http://localhost/v2/pipeline", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ baton: null, requests }),
  });
  const response = await sync.fetch(request);
  const { results } = (await response.json()) as Answer;
  const [result] = results;
  if (result.response === undefined) throw new Error(result.error?.message ?? `status ${response.status}`);
  return result.response.result.rows.map((row) => row.map(toValue));
}

function toValue({ type, value, base64 }: Value): unknown {
  if (type === "integer") return BigInt(value as string);
  if (type === "blob") return Buffer.from(base64 as string, "base64");
  return value ?? null;
}
