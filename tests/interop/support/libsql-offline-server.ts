import { createWriteStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createSyncServer, type SyncServer, type SyncServerOptions, toNodeListener } from "@tributary/server";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.js";
import { contentsByName } from "./libsql-offline-contents.js";

/** A server of this process for one test, with one database; SQL runs in the same process unless the options say otherwise. */
export class OfflineServer {
  readonly #sync: SyncServer;
  readonly #directory: string;
  readonly url: string;
  #exports = 0;

  private constructor(sync: SyncServer, directory: string, url: string) {
    this.#sync = sync;
    this.#directory = directory;
    this.url = url;
  }

  static async start(options: Partial<SyncServerOptions> = {}): Promise<OfflineServer> {
    const directory = temporaryDirectory();
    const sync = createSyncServer({ path: join(directory, "server.db"), maxWorkers: 0, ...options });
    const http = createServer({ keepAliveTimeout: 65_000 }, toNodeListener(sync));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    onTestFinished(async () => {
      await sync.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    });
    return new OfflineServer(sync, directory, `http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  }

  /** What a device of this name has as its `syncUrl`. */
  deviceUrl(name: string): string {
    return `${this.url}/device/${name}`;
  }

  /** Runs statements, each in a transaction of its own, past the network; gives the rows of the last. Integers are text. */
  async query(...statements: string[]): Promise<unknown[][]> {
    const requests = statements.map((sql) => ({ type: "execute", stmt: { sql, want_rows: true } }));
    const request = new Request(`${this.url}/v2/pipeline`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ baton: null, requests: [...requests, { type: "close" }] }),
    });
    const answer = (await (await this.#sync.fetch(request)).json()) as PipelineAnswer;
    const failed = answer.results.find(({ error }) => error !== undefined);
    if (failed !== undefined) throw new Error(failed.error?.message);
    const { rows = [] } = answer.results.at(-2)?.response?.result ?? {};
    return rows.map((row) => row.map(({ value }) => value ?? null));
  }

  /** The tables and rows of the database, in the form of `contentsByName`. Throws where it is not intact. */
  async contents(): Promise<Record<string, string[]>> {
    const problems = await this.#sync.databases.verify("default");
    if (problems.length > 0) throw new Error(problems.join("\n"));
    // A copy: opening the file itself in the server's process would take the server's locks away.
    const path = join(this.#directory, `export-${++this.#exports}.db`);
    await pipeline(Readable.from(await this.#sync.databases.export("default")), createWriteStream(path));
    return contentsByName(path);
  }
}

interface PipelineAnswer {
  readonly results: readonly {
    readonly error?: { readonly message: string };
    readonly response?: { readonly result?: { readonly rows: readonly { readonly value?: unknown }[][] } };
  }[];
}
