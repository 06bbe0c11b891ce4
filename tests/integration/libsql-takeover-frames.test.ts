import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { withReplica } from "../support/damaged-replica.js";
import { type LibsqlServer, runLibsql } from "../support/libsql-leftovers.js";
import {
  contentsAfter,
  filesOf,
  leave,
  PUSHED,
  run,
  SCHEMA,
  takesOver,
  UNPUSHED,
} from "../support/libsql-takeover.js";

/** A remote that speaks both protocols, made of two that speak one each. */
function alsoLibsql(libsql: LibsqlServer): typeof fetch {
  return (url, options) => {
    const { pathname } = new URL(String(url));
    return fetch(/^\/(info|sync)/.test(pathname) ? libsql.url + pathname : String(url), options);
  };
}

test("what the remote took is not sent again where the client did not learn of it", async () => {
  const { remote, path, libsql } = await leave({ pushed: PUSHED });
  const info = readFileSync(`${path}-info`);
  await runLibsql(path, libsql.url, [{ sql: UNPUSHED }, { sync: true }]);
  writeFileSync(`${path}-info`, info);
  run(remote.file, UNPUSHED);
  const expected = contentsAfter(SCHEMA, PUSHED, UNPUSHED);
  const [message] = await takesOver(remote, path, expected, { fetch: alsoLibsql(libsql) });
  expect(message).toContain("local changes now (0)");
});

test("while nobody can tell what the remote took, nothing is sent on a guess, and nothing touched", async () => {
  const { remote, path, libsql } = await leave({ pushed: PUSHED });
  const info = readFileSync(`${path}-info`);
  await runLibsql(path, libsql.url, [{ sql: UNPUSHED }, { sync: true }]);
  writeFileSync(`${path}-info`, info);
  run(remote.file, UNPUSHED);
  const before = filesOf(path);
  const answering = alsoLibsql(libsql);
  const losing: typeof fetch = async (url, options) => {
    if (new URL(String(url)).pathname.startsWith("/sync/1/")) throw new TypeError("the connection is lost");
    return answering(url, options);
  };
  const opening = withReplica({ path, url: remote.url, fetch: losing }, () => {});
  await expect(opening).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("libSQL"),
  });
  expect(filesOf(path)).toEqual(before);
  const expected = contentsAfter(SCHEMA, PUSHED, UNPUSHED);
  await takesOver(remote, path, expected, { fetch: answering });
});

test("what a restored remote has lost of the client's pushes is sent again", async () => {
  const { remote, path, libsql } = await leave({ pushed: PUSHED });
  const had = libsql.frames.length;
  await runLibsql(path, libsql.url, [{ sql: UNPUSHED }, { sync: true }]);
  libsql.frames.length = had;
  const expected = contentsAfter(SCHEMA, PUSHED, UNPUSHED);
  const [message] = await takesOver(remote, path, expected, { fetch: alsoLibsql(libsql) });
  expect(message).toContain("local changes now (9)");
});

test("of several hundred frames those that the remote has are found", async () => {
  const more = `WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
    INSERT INTO notes SELECT i, hex(zeroblob(2000)), 0 FROM n`;
  const { remote, path, libsql } = await leave({ pushed: PUSHED });
  const info = readFileSync(`${path}-info`);
  await runLibsql(path, libsql.url, [{ sql: more }, { sync: true }, { sql: UNPUSHED }]);
  expect(libsql.frames.length).toBeGreaterThan(2 * 128);
  writeFileSync(`${path}-info`, info);
  run(remote.file, more);
  const expected = contentsAfter(SCHEMA, PUSHED, more, UNPUSHED);
  const [message] = await takesOver(remote, path, expected, { fetch: alsoLibsql(libsql) });
  expect(message).toContain("local changes now (9)");
});

test("without metadata that can be read the remote's frames tell what was pushed", async () => {
  const { remote, path, libsql } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  truncateSync(`${path}-info`);
  const expected = contentsAfter(SCHEMA, PUSHED, UNPUSHED);
  const [message] = await takesOver(remote, path, expected, { fetch: alsoLibsql(libsql) });
  expect(message).toMatch(/^damaged-metadata: .*local changes now \(9\)/);
});

test("a log that another program has begun anew is not taken for the one that was sent", async () => {
  const { remote, path, libsql } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  const other = new Database(path);
  other.pragma("wal_checkpoint(TRUNCATE)");
  other.close();
  const again = Array.from({ length: 12 }, (_, line) => ({ sql: `INSERT INTO log VALUES ('line ${line}')` }));
  await runLibsql(path, libsql.url, again);
  const lines = again.map(({ sql }) => sql).join(";");
  const guessed = `INSERT INTO notes VALUES (11, 'mine', 2); INSERT INTO log VALUES ('mine'), ('mine');
    INSERT INTO pairs VALUES ('n', 'n', 1.5)`;
  const expected = contentsAfter(SCHEMA, PUSHED, guessed, lines);
  const [message] = await takesOver(remote, path, expected, { fetch: alsoLibsql(libsql) });
  expect(message).toContain("Another program had emptied its log");
});
