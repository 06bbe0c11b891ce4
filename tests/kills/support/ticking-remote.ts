import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createSyncServer, toNodeListener } from "@tributary/server";
import type { KillRun } from "./kill-run.js";
import type { Ticks } from "./ticks.js";

/** A server in this process, which is not killed. */
export interface TickingRemote {
  readonly url: string;
  /** Its database. */
  readonly file: string;
  /** A file with its URL, for processes. */
  readonly urlFile: string;
}

/** Starts a server. Each request is a tick, and so is each answer that was handed to the network. */
export async function startTickingRemote(run: KillRun, ticks: Ticks): Promise<TickingRemote> {
  const file = join(run.directory, "server.db");
  const sync = createSyncServer({ path: file });
  const listener = toNodeListener(sync);
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    ticks.tick();
    response.once("finish", () => ticks.tick());
    void listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  run.atEnd(async () => {
    await sync.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const urlFile = join(run.directory, "server.url");
  writeFileSync(urlFile, url);
  return { url, file, urlFile };
}
