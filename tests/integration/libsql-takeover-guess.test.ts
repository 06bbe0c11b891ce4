import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { contentsOf, contentsOfFile } from "../support/contents.js";
import { withReplica } from "../support/damaged-replica.js";
import {
  contentsAfter,
  filesOf,
  leave,
  PUSHED,
  SCHEMA,
  takesOver,
  UNPUSHED,
} from "../support/libsql-takeover.js";

const OTHER_VERSION = '{"hash":451537432,"version":1,"durable_frame_num":2,"generation":1}';
const MORE_FRAMES = '{"hash":2546470731,"version":0,"durable_frame_num":100,"generation":1}';

/** What is not known to be pushed or not: rows that the remote lacks come, nothing else is changed. */
const GUESSED = `INSERT INTO notes VALUES (11, 'mine', 2); INSERT INTO log VALUES ('mine'), ('mine');
  INSERT INTO pairs VALUES ('n', 'n', 1.5)`;

// That every byte can be mended is tested where the file is read.
test.each([0, 25, -1])(
  "metadata with byte %i wrong: what was not pushed is known all the same",
  async (byte) => {
    const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
    const info = readFileSync(`${path}-info`);
    const at = (byte + info.length) % info.length;
    info[at] = (info[at] as number) ^ 0x10;
    writeFileSync(`${path}-info`, info);
    await withReplica({ path, url: remote.url }, async (replica) => {
      expect(contentsOf(replica.db)).toEqual(contentsAfter(SCHEMA, PUSHED, UNPUSHED));
      expect((await replica.stats()).pendingChanges).toBe(9);
      expect(replica.repair?.unreadable).toBeUndefined();
      expect(replica.recovered.map(({ code }) => code)).toEqual(["damaged-metadata"]);
    });
  },
);

test.each([
  ["empty", (info: string) => truncateSync(info)],
  ["zeros", (info: string) => writeFileSync(info, new Uint8Array(70))],
  ["of another version", (info: string) => writeFileSync(info, OTHER_VERSION)],
  ["of more frames than there are", (info: string) => writeFileSync(info, MORE_FRAMES)],
])("metadata that is %s: what the remote lacks is kept, and nothing overwritten", async (_what, damage) => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  damage(`${path}-info`);
  await remote.query("INSERT INTO log VALUES ('theirs')");
  const theirs = "INSERT INTO log VALUES ('theirs')";
  const [message] = await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED, theirs, GUESSED));
  expect(message).toMatch(
    /^damaged-metadata: .*what the remote did not have was taken for local changes \(4\)/,
  );
});

test("without metadata only who asks for it has a database taken over", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  rmSync(`${path}-info`);
  const before = filesOf(path);
  const opening = withReplica({ path, url: remote.url }, () => {});
  await expect(opening).rejects.toMatchObject({
    code: "not-a-replica",
    message: expect.stringContaining("takeOver"),
  });
  expect(filesOf(path)).toEqual(before);
  await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED, GUESSED), { takeOver: true });
});

test("a log that another program has emptied: what the remote lacks is kept", async () => {
  const { remote, path } = await leave({ pushed: PUSHED, unpushed: UNPUSHED });
  const other = new Database(path);
  other.pragma("wal_checkpoint(TRUNCATE)");
  other.exec("INSERT INTO log VALUES ('in the new log')");
  other.close();
  const more = "INSERT INTO log VALUES ('in the new log')";
  await takesOver(remote, path, contentsAfter(SCHEMA, PUSHED, GUESSED, more));
});

test("a log that was emptied before anything was pushed: what the remote lacks is told, since others may have deleted it", async () => {
  const { remote, path } = await leave({ unpushed: UNPUSHED });
  const other = new Database(path);
  other.pragma("wal_checkpoint(TRUNCATE)");
  other.close();
  const [message] = await takesOver(remote, path, contentsAfter(SCHEMA));
  expect(message).toMatch(/4 rows in it that the remote does not have were not taken/);
  expect(message).toContain(`${path}-libsql-`);
});

test("a replica that was only read has nothing to tell", async () => {
  const { remote, path } = await leave({ unpushed: "SELECT 1" });
  const [message] = await takesOver(remote, path, contentsAfter(SCHEMA));
  expect(message).not.toContain("rows in it");
});

test("a row that does not fit beside the remote's is left out, and told", async () => {
  const schema = `${SCHEMA}; CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)`;
  const unpushed = "INSERT INTO users VALUES (5, 'taken'), (6, 'free')";
  const { remote, path } = await leave({ schema, unpushed });
  truncateSync(`${path}-info`);
  await remote.query("INSERT INTO users VALUES (1, 'taken')");
  const kept = "INSERT INTO users VALUES (1, 'taken'), (6, 'free')";
  const [message] = await takesOver(remote, path, contentsAfter(schema, kept));
  expect(message).toContain("as were 1 that did not fit");
});

test("tables and columns that the remote lacks are made", async () => {
  const unpushed = `CREATE TABLE mine (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO mine VALUES (1, 'x');
    ALTER TABLE notes ADD COLUMN mood TEXT; INSERT INTO notes VALUES (30, 'mine', 0, 'good'); DROP TABLE pairs`;
  const { remote, path } = await leave({ unpushed });
  truncateSync(`${path}-info`);
  await remote.query("CREATE TABLE theirs (id INTEGER PRIMARY KEY, other TEXT)");
  await remote.query("INSERT INTO theirs VALUES (1, 'x')");
  const expected = contentsAfter(
    SCHEMA,
    "CREATE TABLE theirs (id INTEGER PRIMARY KEY, other TEXT); INSERT INTO theirs VALUES (1, 'x')",
    unpushed.replace("; DROP TABLE pairs", ""),
  );
  await takesOver(remote, path, expected);
});

test("damaged metadata beside a database without a log is nobody's: it is downloaded afresh, and kept", async () => {
  const { remote, path } = await leave({ unpushed: "SELECT 1" });
  truncateSync(`${path}-info`);
  rmSync(`${path}-wal`, { force: true });
  await withReplica({ path, url: remote.url }, (replica) => {
    expect(replica.repair?.keptAs).toContain("-damaged-");
    expect(contentsOf(replica.db)).toEqual(contentsOfFile(remote.file));
  });
});
