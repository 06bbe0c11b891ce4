import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SyncError } from "@tributary/core";
import { openReplica } from "@tributary/replica";
import { createSyncServer } from "@tributary/server";
import { mutateBytes } from "@tributary/testkit";
import { afterAll, beforeAll, describe } from "vitest";
import { contentsOfFile, integrityOfFile } from "../support/contents.js";
import { itSurvivesAsync } from "./support/fuzz.js";
import { hostileFetch } from "./support/hostile-fetch.js";
import { PULL_ANSWERS } from "./support/pull-corpus.js";

const FILE = "replica.test.ts";
const URL = "http://remote.example";

let directory: string;
let before: string;
let count = 0;

/** A replica with synced rows and rows of its own, to be copied for each input. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "tributary-"));
  const server = createSyncServer({ path: join(directory, "server.db"), maxWorkers: 0 });
  const path = join(directory, "template", "replica.db");
  mkdirSync(join(directory, "template"));
  const fetchFromServer: typeof fetch = (input, init) => server.fetch(new Request(input, init));
  const replica = await openReplica({ path, url: URL, fetch: fetchFromServer });
  replica.db.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'synced')");
  await replica.sync();
  replica.db.exec("INSERT INTO t VALUES (2, 'local'); UPDATE t SET b = 'changed' WHERE a = 1");
  await replica.close();
  before = JSON.stringify(contentsOfFile(path));
  await server.close();
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function pullInto(answer: Uint8Array): Promise<void> {
  const copy = join(directory, `copy-${count++}`);
  // Its time stamps are cut to milliseconds, so that the copy downloads everything: of a delta, the pages that are not in
  // it cannot be checked against those that are.
  cpSync(join(directory, "template"), copy, { recursive: true, preserveTimestamps: true });
  const path = join(copy, "replica.db");
  const replica = await openReplica({ path, url: URL, fetch: hostileFetch(answer, "application/protobuf") });
  let refusal: unknown;
  try {
    await replica.pull();
  } catch (error) {
    refusal = error;
  }
  await replica.close().catch((error: unknown) => {
    if (refusal === undefined) refusal = error;
  });
  if (refusal instanceof SyncError) {
    const after = JSON.stringify(contentsOfFile(path));
    if (after !== before) throw new Error(`the replica changed, though: ${refusal.message}`);
    const integrity = integrityOfFile(path);
    if (integrity !== "ok") throw new Error(`integrity: ${String(integrity)}`);
  }
  rmSync(copy, { recursive: true });
  if (refusal !== undefined) throw refusal;
}

describe("a replica", () => {
  itSurvivesAsync(FILE, "that pulls from a hostile remote fails with its own error and stays as it was", {
    // No answer that is worth another try: each would be waited for.
    makeInput: (random) =>
      Buffer.concat([Uint8Array.of(0, random.below(2)), mutateBytes(PULL_ANSWERS, random)]),
    decode: pullInto,
    isExpectedError: (error) => error instanceof SyncError && error.code !== "internal",
    maxMilliseconds: 10_000,
    maxBytes: () => 64 * 1024 * 1024,
    count: 100,
  });
});
