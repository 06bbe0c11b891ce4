import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createSyncServer, type SyncServer, type SyncServerOptions } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";
import { tempDirectory } from "./temp-directory.js";

export { settle } from "./settle.js";

/** A server without a socket, on a clock that stands still. */
export function openServer(options: Partial<SyncServerOptions> = {}): {
  server: SyncServer;
  clock: ManualClock;
  path: string;
} {
  const clock = new ManualClock();
  const path = options.path ?? join(tempDirectory(), "test.db");
  const server = createSyncServer({ clock, foreignCommitCheckMs: 0, maxWorkers: 0, ...options, path });
  onTestFinished(() => server.close());
  return { server, clock, path };
}

/** A POST to a server, with the content type that clients send. */
export function post(
  server: SyncServer,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  signal?: AbortSignal,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<Response> {
  return server.fetch(
    new Request(`http://localhost${path}`, {
      method: "POST",
      body,
      headers,
      ...(signal === undefined ? {} : { signal }),
    }),
  );
}
