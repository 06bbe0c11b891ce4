import { rmSync } from "node:fs";
import type { ProtocolIo } from "@tributary/core";
import { makeCrashDirectory } from "@tributary/testkit";
import { expect, onTestFinished, test } from "vitest";
import { contentsOf } from "../support/contents.js";
import { openIn, pull } from "./support/crash-replica.js";
import { ForkableRemote } from "./support/forkable-remote.js";

test("a whole download is the synced state also where its revision is called as the one before", async () => {
  const remotes = ["one", "two"].map(() =>
    ForkableRemote.create("CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'a')"),
  );
  const [first, restored] = remotes as [ForkableRemote, ForkableRemote];
  onTestFinished(() => {
    for (const remote of remotes) remote.close();
  });
  const port: ProtocolIo = { ...first.connect() };
  const directory = makeCrashDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const replica = await openIn(directory, port);
  onTestFinished(() => replica.drop());
  const { run, session } = replica;
  first.query("UPDATE t SET x = 'one'");
  restored.query("UPDATE t SET x = 'two'");
  await run(pull(session));
  expect(session.metadata.revision).toBe(restored.latestRevision);
  Object.assign(port, restored.connect());
  session.remoteWentBack = true;
  await run(pull(session));
  expect(contentsOf(replica.db)).toEqual(restored.contents());
  const pages = restored.pagesAt(restored.latestRevision);
  const synced = await run(session.pages.readSynced(2));
  expect(Buffer.from(synced).equals(pages.subarray(4096, 8192))).toBe(true);
});
