import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { delimit, encodePageMessages, encodePullUpdatesHeader } from "@tributary/wire";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.js";

const PAGES = 262_144;
const PAGES_PER_WRITE = 128;

/** Page 1 of an empty database, made to say that there are many more pages. */
function firstPage(): Uint8Array {
  const path = join(temporaryDirectory(), "empty.db");
  const db = new Database(path);
  db.exec("PRAGMA user_version = 7");
  db.close();
  const page = Uint8Array.from(readFileSync(path));
  const view = new DataView(page.buffer);
  view.setUint32(28, PAGES);
  view.setUint32(92, view.getUint32(24));
  return page;
}

/** A server that sends a database of 1 GiB without having it, as fast as it is read. */
async function serveGibibyte(): Promise<string> {
  const first = firstPage();
  const filler = new Uint8Array(PAGES_PER_WRITE * 4096).fill(0x5a);
  const server = createServer(async (_request, response) => {
    response.writeHead(200, { "content-type": "application/protobuf" });
    response.write(
      delimit(
        encodePullUpdatesHeader({
          serverRevision: "1",
          databaseSize: PAGES,
          encoding: "raw",
          applyMode: "incremental",
          protocol: "pages",
        }),
      ),
    );
    for (let from = 0; from < PAGES; from += PAGES_PER_WRITE) {
      const ids = Uint32Array.from({ length: PAGES_PER_WRITE }, (_, index) => from + index);
      const bytes = from === 0 ? Uint8Array.from([...first, ...filler.subarray(4096)]) : filler;
      if (!response.write(encodePageMessages(ids, bytes))) {
        await new Promise((resolve) => response.once("drain", resolve));
      }
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a bootstrap of 1 GiB takes a bounded amount of memory", { timeout: 120_000 }, async () => {
  const url = await serveGibibyte();
  const child = new URL("../support/bootstrap-child.mjs", import.meta.url).pathname;
  const entry = pathToFileURL(new URL("../../packages/replica/dist/index.js", import.meta.url).pathname).href;
  const path = join(temporaryDirectory(), "replica.db");
  const { stdout } = await promisify(execFile)(process.execPath, [child, entry, path, url]);
  const { before, largest, pages } = JSON.parse(stdout) as Record<"before" | "largest" | "pages", number>;
  expect(pages).toBeGreaterThanOrEqual(PAGES);
  expect(largest - before).toBeLessThan(150 * 1024 * 1024);
});
