import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReplica, SyncError } from "@tributary/replica";
import { delimit, encodePageMessages, encodePullUpdatesHeader } from "@tributary/wire";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { startTributary } from "../support/remotes.js";
import { replicaOf } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

const PROTOBUF = { "content-type": "application/protobuf" };

function headerOf(databaseSize: number): Uint8Array {
  return delimit(
    encodePullUpdatesHeader({
      serverRevision: "bad-1",
      databaseSize,
      encoding: "raw",
      applyMode: "incremental",
      protocol: "pages",
    }),
  );
}

function pagesOf(ids: readonly number[], fill = 7): Uint8Array {
  return encodePageMessages(Uint32Array.from(ids), new Uint8Array(ids.length * 4096).fill(fill));
}

function answers(
  status: number,
  headers: Record<string, string>,
  ...parts: (Uint8Array | string)[]
): RequestListener {
  return (_request, response) => {
    response.writeHead(status, headers);
    for (const part of parts) response.write(part);
    response.end();
  };
}

/** A first page whose header says another page size. */
function firstPageOfSize(pageSize: number): Uint8Array {
  const page = new Uint8Array(4096);
  page.set(Buffer.from("SQLite format 3\0"));
  new DataView(page.buffer).setUint16(16, pageSize);
  page.set([2, 2, 0, 64, 32, 32], 18);
  return encodePageMessages(Uint32Array.of(0), page);
}

/** A first page with a sound header over junk. */
function junkUnderHeader(): Uint8Array {
  const page = new Uint8Array(4096).fill(0x5a);
  page.set(readFileSync(emptyDatabase()).subarray(0, 100));
  return encodePageMessages(Uint32Array.of(0), page);
}

function emptyDatabase(): string {
  const path = join(mkdtempSync(join(tmpdir(), "tributary-")), "empty.db");
  const db = new Database(path);
  db.pragma("user_version = 1");
  db.close();
  return path;
}

const BAD: readonly { name: string; listener: RequestListener; code: string }[] = [
  {
    name: "junk instead of protobuf",
    listener: answers(200, PROTOBUF, "this is not protobuf at all"),
    code: "malformed-response",
  },
  {
    name: "a truncated message",
    listener: answers(200, PROTOBUF, headerOf(2), pagesOf([0]).subarray(0, 1000)),
    code: "malformed-response",
  },
  {
    name: "an over-long message",
    listener: answers(200, PROTOBUF, headerOf(2), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f)),
    code: "malformed-response",
  },
  { name: "nothing at all", listener: answers(200, PROTOBUF), code: "malformed-response" },
  {
    name: "a page beyond the size",
    listener: answers(200, PROTOBUF, headerOf(2), pagesOf([0, 5])),
    code: "invalid-page-stream",
  },
  {
    name: "a page twice",
    listener: answers(200, PROTOBUF, headerOf(2), pagesOf([1, 1])),
    code: "invalid-page-stream",
  },
  {
    name: "a missing first page",
    listener: answers(200, PROTOBUF, headerOf(9), pagesOf([1])),
    code: "invalid-page-stream",
  },
  {
    name: "pages that make no sound database",
    listener: answers(200, PROTOBUF, headerOf(2), pagesOf([1])),
    code: "invalid-page-stream",
  },
  {
    name: "a first page that is none",
    listener: answers(200, PROTOBUF, headerOf(1), pagesOf([0])),
    code: "invalid-page-stream",
  },
  {
    name: "another page size",
    listener: answers(200, PROTOBUF, headerOf(1), firstPageOfSize(8192)),
    code: "invalid-page-stream",
  },
  {
    name: "a first page with a sound header over junk",
    listener: answers(200, PROTOBUF, headerOf(1), junkUnderHeader()),
    code: "invalid-page-stream",
  },
  {
    name: "an HTML error page",
    listener: answers(200, { "content-type": "text/html" }, "<html>Bad gateway</html>"),
    code: "malformed-response",
  },
  {
    name: "a redirect to a login",
    listener: answers(302, { location: "https://login.example.org/" }),
    code: "unexpected-response",
  },
  {
    name: "a refusal",
    listener: answers(404, { "content-type": "text/plain" }, "no such database"),
    code: "remote-rejected",
  },
  {
    name: "a token it does not like",
    listener: answers(403, { "content-type": "text/plain" }, "no"),
    code: "unauthorized",
  },
];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each(BAD)("$name", ({ listener, code }) => {
  test("fails a pull with an error that names the endpoint, and leaves the replica as it was", async () => {
    const good = await startTributary();
    await good.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    const bad = await serve(listener);
    let url = good.url;
    const replica = await replicaOf(() => url);
    replica.db.exec("INSERT INTO t VALUES (1)");
    const before = contentsOf(replica.db);
    const stats = await replica.stats();
    url = bad;
    const failure: unknown = await replica.pull().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SyncError);
    expect(failure).toMatchObject({ code });
    expect((failure as Error).message + JSON.stringify((failure as SyncError).details)).toContain(
      `${bad}/pull-updates`,
    );
    expect(contentsOf(replica.db)).toEqual(before);
    expect(await replica.stats()).toMatchObject({ revision: stats.revision, pendingChanges: 1 });
    url = good.url;
    await good.query("INSERT INTO t VALUES (2)");
    await replica.sync();
    expect(await good.query("SELECT * FROM t ORDER BY id")).toEqual([[1n], [2n]]);
  });

  test("fails a bootstrap, and the next one succeeds", async () => {
    const path = join(temporaryDirectory(), "replica.db");
    await expect(openReplica({ path, url: await serve(listener) })).rejects.toMatchObject({ code });
    const good = await startTributary();
    await good.query("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    const replica = await replicaOf(good.url, { path });
    expect(contentsOf(replica.db)).toEqual({ t: [] });
  });
});
