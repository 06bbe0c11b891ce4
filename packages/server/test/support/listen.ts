import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  createSyncServer,
  type SyncServer,
  type SyncServerOptions,
  toNodeListener,
} from "../../src/index.js";
import { tempDirectory } from "./temp-directory.js";

/** A server on a port of its own, with real time. */
export async function listen(
  options: Partial<SyncServerOptions> = {},
): Promise<{ server: SyncServer; url: string; path: string; directory: string }> {
  const directory = tempDirectory();
  const path = options.path ?? join(directory, "server.db");
  const server = createSyncServer({ ...options, path });
  const listener = toNodeListener(server);
  const http = createServer(
    { keepAliveTimeout: 65_000 },
    (request, response) => void listener(request, response),
  );
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return { server, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, path, directory };
}
