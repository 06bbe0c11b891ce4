import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { crc32 } from "../../packages/core/src/values/crc32.js";
import { withReplica } from "../support/damaged-replica.js";
import { type Remote, startTributary } from "../support/remotes.js";
import { rows } from "../support/replicas.js";
import { temporaryDirectory } from "../support/temporary-directory.js";

async function remoteWithLog(): Promise<Remote> {
  const remote = await startTributary();
  await remote.query("CREATE TABLE log (line TEXT)");
  return remote;
}

/** A replica with one unpushed line; closed. */
async function replicaWithLine(url: string, path: string, line: string): Promise<void> {
  await withReplica({ path, url }, ({ db }) => void db.prepare("INSERT INTO log VALUES (?)").run(line));
}

test("metadata of another replica is not believed: the database says whose tape it has", async () => {
  const remote = await remoteWithLog();
  const [a, b] = ["a.db", "b.db"].map((name) => join(temporaryDirectory(), name)) as [string, string];
  for (const path of [a, b]) await replicaWithLine(remote.url, path, path);
  const clientId = await withReplica({ path: a, url: null }, (replica) => replica.clientId);
  copyFileSync(`${b}-info`, `${a}-info`);
  await withReplica({ path: a, url: remote.url }, async (replica) => {
    expect(replica.clientId).toBe(clientId);
    expect(replica.recovered.map(({ code }) => code)).toEqual(["foreign-writer"]);
    await replica.sync();
  });
  await withReplica({ path: b, url: remote.url }, (replica) => replica.sync());
  expect((await remote.query("SELECT count(*) FROM log"))[0]).toEqual([2n]);
});

test("a server that by mistake serves a replica's file does not stay in the way of a new replica", async () => {
  const remote = await remoteWithLog();
  const other = join(temporaryDirectory(), "other.db");
  await replicaWithLine(remote.url, other, "of the other");
  const wrong = await startTributary(other);
  const path = join(temporaryDirectory(), "new.db");
  const opening = withReplica({ path, url: wrong.url }, () => {});
  await expect(opening).rejects.toMatchObject({ code: "unexpected-response" });
  await withReplica({ path, url: remote.url }, (replica) => {
    expect(rows(replica, "SELECT * FROM log")).toEqual([]);
  });
});

test("a server that was restored from this replica's own file is refused, and local changes stay", async () => {
  let remote = await remoteWithLog();
  const path = join(temporaryDirectory(), "app.db");
  await withReplica({ path, url: remote.url }, async (replica) => {
    replica.db.exec("INSERT INTO log VALUES ('pushed')");
    await replica.sync();
  });
  const file = join(temporaryDirectory(), "server.db");
  copyFileSync(path, file);
  await remote.close();
  remote = await startTributary(file);
  await withReplica({ path, url: remote.url }, async (replica) => {
    replica.db.exec("INSERT INTO log VALUES ('not pushed')");
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(replica.pull()).rejects.toMatchObject({ code: "unexpected-response" });
      expect(rows(replica, "SELECT line FROM log")).toEqual([["pushed"], ["not pushed"]]);
    }
  });
});

/** A replica as a crash leaves it between the last two moves of a swap. */
async function halfSwapped() {
  const remote = await remoteWithLog();
  const directory = join(temporaryDirectory(), "one");
  mkdirSync(directory);
  const path = join(directory, "app.db");
  await replicaWithLine(remote.url, path, "mine");
  copyFileSync(path, `${path}-damaged-1`);
  renameSync(path, `${path}-repair`);
  const content = JSON.stringify({ from: "-repair", aside: "-damaged-1", newSuffixes: ["-info", ""] });
  writeFileSync(`${path}-swap`, `${crc32(Buffer.from(content))} ${content}`);
  return { remote, path };
}

test("a swap that was interrupted is completed, also where the directory has been moved", async () => {
  const { remote, path } = await halfSwapped();
  const moved = join(dirname(dirname(path)), "two");
  renameSync(dirname(path), moved);
  await withReplica({ path: join(moved, "app.db"), url: remote.url }, (replica) => {
    expect(rows(replica, "SELECT * FROM log")).toEqual([["mine"]]);
  });
});

test("a damaged marker in the middle of a swap stops everything, and nothing is lost", async () => {
  const { remote, path } = await halfSwapped();
  const marker = readFileSync(`${path}-swap`);
  const damaged = Buffer.from(marker);
  damaged[20] = (damaged[20] as number) ^ 1;
  writeFileSync(`${path}-swap`, damaged);
  const opening = withReplica({ path, url: remote.url }, () => {});
  await expect(opening).rejects.toMatchObject({ code: "damaged-metadata" });
  writeFileSync(`${path}-swap`, marker);
  await withReplica({ path, url: remote.url }, (replica) => {
    expect(rows(replica, "SELECT * FROM log")).toEqual([["mine"]]);
  });
});
