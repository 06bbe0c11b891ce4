import { existsSync } from "node:fs";
import { join } from "node:path";
import { openReplica } from "@tributary/replica";
import { expect, test } from "vitest";
import { type Remote, startTributary } from "../support/remotes.js";
import { replicaOf, rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

async function remoteWithRows(): Promise<Remote> {
  const remote = await startTributary();
  await remote.query("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
  for (let id = 0; id < 20; id++) await remote.query("INSERT INTO t VALUES (?, randomblob(50000))", [id]);
  return remote;
}

test("opening can be aborted, before and while it downloads, and succeeds the next time", async () => {
  const remote = await remoteWithRows();
  const path = join(temporaryDirectory(), "replica.db");
  const before = AbortSignal.abort(new Error("not today"));
  await expect(openReplica({ path, url: remote.url, signal: before })).rejects.toMatchObject({
    code: "aborted",
  });
  const abort = new AbortController();
  const progress: number[] = [];
  const opening = openReplica({
    path,
    url: remote.url,
    signal: abort.signal,
    pullBytesThreshold: 64 * 1024,
    onProgress: ({ done }) => {
      progress.push(done);
      abort.abort();
    },
  });
  await expect(opening).rejects.toMatchObject({ code: "aborted", blame: "caller" });
  expect(progress).toHaveLength(1);
  expect(existsSync(path)).toBe(false);
  const replica = await replicaOf(remote.url, { path });
  expect(rows(replica, "SELECT count(*) FROM t")).toEqual([[20]]);
});

test("opening can be aborted while the remote does not answer", async () => {
  const path = join(temporaryDirectory(), "replica.db");
  const abort = new AbortController();
  const silent: typeof fetch = () => {
    abort.abort();
    return new Promise(() => {});
  };
  const options = { path, url: "http://127.0.0.1:1", fetch: silent, signal: abort.signal };
  await expect(openReplica(options)).rejects.toMatchObject({ code: "aborted" });
  const remote = await startTributary();
  await replicaOf(remote.url, { path });
});

test("the signal of opening does not end later operations", async () => {
  const remote = await remoteWithRows();
  const abort = new AbortController();
  const replica = await replicaOf(remote.url, { signal: abort.signal });
  abort.abort();
  await remote.query("DELETE FROM t WHERE id > 0");
  replica.db.exec("INSERT INTO t VALUES (100, NULL)");
  expect(await replica.sync()).toEqual({ pushed: 1, pulled: true });
  await expect(
    openReplica({ path: "x", url: null, signal: "now" as unknown as AbortSignal }),
  ).rejects.toMatchObject({ code: "invalid-option" });
});

test("an onProgress that throws is the app's mistake, and nothing is lost by it", async () => {
  const remote = await remoteWithRows();
  const path = join(temporaryDirectory(), "replica.db");
  const mistake = new TypeError("no progress bar");
  let fails = true;
  const onProgress = (): void => {
    if (fails) throw mistake;
  };
  const failure = { code: "invalid-option", blame: "caller", cause: mistake };
  await expect(openReplica({ path, url: remote.url, onProgress })).rejects.toMatchObject(failure);
  fails = false;
  const replica = await replicaOf(remote.url, { path, onProgress });
  replica.db.exec("INSERT INTO t VALUES (100, NULL)");
  await remote.query("INSERT INTO t VALUES (101, NULL)");
  fails = true;
  await expect(replica.pull()).rejects.toMatchObject(failure);
  await expect(replica.push()).rejects.toMatchObject(failure);
  fails = false;
  await replica.sync();
  expect(await remote.query("SELECT count(*) FROM t")).toEqual([[22n]]);
  expect(rows(replica, "SELECT count(*) FROM t")).toEqual([[22]]);
});
