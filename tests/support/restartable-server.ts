import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import {
  createSyncServer,
  type SyncServer,
  type SyncServerOptions,
  toNodeListener,
  toUpgradeListener,
} from "@tributary/server";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "./temporary-directory.js";

/** Shown by `query`, to a server that asks for one. */
export const TOKEN = "the-token-of-the-test";

/** A sync server on a real port, HTTP and WebSocket, which can be restarted, and whose connections can be cut. */
export class RestartableServer {
  /** Whether WebSockets are refused on the way, by something that does not know of them. */
  refusesSockets = false;
  /** WebSockets that were asked for. */
  upgrades = 0;
  /** HTTP requests that came over the network. */
  requests = 0;
  readonly #file = join(temporaryDirectory(), "server.db");
  readonly #options: Partial<SyncServerOptions>;
  readonly #connections: Set<Socket> = new Set();
  #sync: SyncServer | undefined;
  #server: Server | undefined;
  #port = 0;

  private constructor(options: Partial<SyncServerOptions>) {
    this.#options = options;
  }

  /** Stopped when the test has ended. */
  static async start(options: Partial<SyncServerOptions> = {}): Promise<RestartableServer> {
    const server = new RestartableServer(options);
    onTestFinished(() => server.stop());
    await server.#listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Runs one statement on the server, past the network, and gives its rows. */
  async query(sql: string): Promise<unknown[][]> {
    const requests = [{ type: "execute", stmt: { sql, want_rows: true } }, { type: "close" }];
    const request = new Request(`${this.url}/v2/pipeline`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ baton: null, requests }),
    });
    const answer = await (this.#sync as SyncServer).fetch(request);
    const { results } = (await answer.json()) as {
      results: [{ error?: { message: string }; response?: { result: { rows: { value?: unknown }[][] } } }];
    };
    const [{ error, response }] = results;
    if (response === undefined) throw new Error(error?.message);
    return response.result.rows.map((row) => row.map(({ value }) => value ?? null));
  }

  /** The network goes away, and is there again at once. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    this.cut();
    await this.#sync?.close();
    this.cut();
    await closed;
  }

  /** At the same address, with the same file. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#listen();
  }

  async #listen(): Promise<void> {
    const sync = createSyncServer({ path: this.#file, maxWorkers: 0, ...this.#options });
    const listener = toNodeListener(sync);
    const upgrade = toUpgradeListener(sync);
    const server = createServer((request, response) => {
      this.requests++;
      listener(request, response);
    });
    server.on("upgrade", (request, socket, head) => {
      this.upgrades++;
      if (this.refusesSockets) socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
      else upgrade(request, socket, head);
    });
    server.on("connection", (connection: Socket) => {
      this.#connections.add(connection);
      connection.on("close", () => this.#connections.delete(connection));
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#sync = sync;
    this.#server = server;
  }
}
