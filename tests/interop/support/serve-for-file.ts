import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSyncServer,
  type SyncServer,
  type SyncServerOptions,
  toNodeListener,
  toUpgradeListener,
} from "@tributary/server";
import { afterAll, beforeAll } from "vitest";

/** A server that all tests of a file share: HTTP and sockets on loopback, SQL in processes of their own, as by default. */
export interface SharedServer {
  readonly server: SyncServer;
  readonly port: number;
  /** Where databases are, and where tests may put files. */
  readonly directory: string;
  /** Its address for clients that want this scheme. */
  url(scheme?: string, path?: string): string;
}

/** Starts it before the first test and ends it after the last. Serves one database unless told otherwise. */
export function serveForFile(
  options: Omit<SyncServerOptions, "path" | "dataDirectory"> = {},
  { many = false } = {},
): SharedServer {
  let running: { server: SyncServer; port: number; directory: string } | undefined;
  const get = (): { server: SyncServer; port: number; directory: string } => {
    if (running === undefined) throw new Error("The server runs during tests only.");
    return running;
  };

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), "tributary-"));
    const where = many ? { dataDirectory: join(directory, "data") } : { path: join(directory, "server.db") };
    const server = createSyncServer({ ...options, ...where });
    const http = createServer({ keepAliveTimeout: 65_000 }, toNodeListener(server));
    http.on("upgrade", toUpgradeListener(server));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    running = { server, port: (http.address() as AddressInfo).port, directory };
    return async () => {
      const closed = new Promise((resolve) => http.close(resolve));
      await server.close();
      http.closeAllConnections();
      await closed;
    };
  });
  afterAll(() => rmSync(get().directory, { recursive: true, force: true }));

  return {
    get server() {
      return get().server;
    },
    get port() {
      return get().port;
    },
    get directory() {
      return get().directory;
    },
    url: (scheme = "http", path = "") =>
      `${scheme}://127.0.0.1:${get().port}${path}${scheme === "libsql" ? "?tls=0" : ""}`,
  };
}
