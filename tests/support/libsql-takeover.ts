import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ReplicaOptions } from "@tributary/replica";
import Database from "better-sqlite3";
import { expect } from "vitest";
import { contentsOf, contentsOfFile, integrityOfFile } from "./contents.js";
import { withReplica } from "./damaged-replica.js";
import { type LibsqlServer, type LibsqlStep, runLibsql, startLibsqlServer } from "./libsql-leftovers.js";
import { type Remote, startTributary } from "./remotes.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** Tables of three kinds. */
export const SCHEMA = `CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, stars INTEGER);
  CREATE TABLE log (line TEXT);
  CREATE TABLE pairs (a TEXT, b TEXT, c, PRIMARY KEY (a, b)) WITHOUT ROWID;
  INSERT INTO notes VALUES (1, 'one', 0), (2, 'two', 0), (3, 'three', 0);
  INSERT INTO pairs VALUES ('x', 'y', 1), ('x', 'z', 2);
  INSERT INTO log VALUES ('first')`;

/** What {@link leave} makes. */
interface Left {
  readonly remote: Remote;
  readonly path: string;
  /** The server that the client has pushed to. */
  readonly libsql: LibsqlServer;
}

/** A server of ours, and a directory that libSQL's client has left: it had made `pushed` and then `unpushed`. */
export async function leave(
  { schema = SCHEMA, pushed = "", unpushed = "" },
  tail: readonly LibsqlStep[] = [],
): Promise<Left> {
  const file = join(temporaryDirectory(), "server.db");
  run(file, schema);
  const libsql = await startLibsqlServer(file);
  const path = join(temporaryDirectory(), "app.db");
  const before: LibsqlStep[] = pushed === "" ? [] : [{ sql: pushed }, { sync: true }];
  await runLibsql(path, libsql.url, [...before, { sql: unpushed }, ...tail]);
  run(file, pushed);
  return { remote: await startTributary(file), path, libsql };
}

/** Runs SQL on a database file. */
export function run(file: string, sql: string): void {
  const db = new Database(file);
  db.pragma("journal_mode = wal");
  db.exec(sql);
  db.close();
}

/** What a database of the schema holds after some statements. */
export function contentsAfter(...sql: string[]): Record<string, string[]> {
  const db = new Database(":memory:");
  for (const text of sql) db.exec(text);
  return contentsOf(db);
}

/** Takes over, expects contents at once and at the remote after a sync; gives the messages of `recovered`. */
export async function takesOver(
  remote: Remote,
  path: string,
  expected: Record<string, string[]>,
  options: Partial<ReplicaOptions> = {},
): Promise<string[]> {
  const messages = await withReplica({ path, url: remote.url, ...options }, async (replica) => {
    expect(contentsOf(replica.db)).toEqual(expected);
    expect(replica.repair?.keptAs).toMatch(/app\.db-libsql-\d+$/);
    expect((await replica.stats()).pendingChanges).toBe(replica.repair?.changes);
    await replica.sync();
    expect(contentsOf(replica.db)).toEqual(expected);
    return replica.recovered.map(({ code, message }) => `${code}: ${message}`);
  });
  expect(contentsOfFile(remote.file)).toEqual(expected);
  expect(integrityOfFile(path)).toBe("ok");
  await withReplica({ path, url: remote.url }, (replica) => {
    expect(replica.recovered).toEqual([]);
    expect(contentsOf(replica.db)).toEqual(expected);
  });
  return messages;
}

/** What the client had made, and pushed. */
export const PUSHED = "INSERT INTO notes VALUES (10, 'pushed', 1); INSERT INTO log VALUES ('pushed')";
/** What it made then. */
export const UNPUSHED = `INSERT INTO notes VALUES (11, 'mine', 2); UPDATE notes SET stars = 5 WHERE id = 1;
  DELETE FROM notes WHERE id = 2; INSERT INTO log VALUES ('mine'), ('mine');
  UPDATE pairs SET c = x'00ff' WHERE b = 'z'; DELETE FROM pairs WHERE b = 'y'; INSERT INTO pairs VALUES ('n', 'n', 1.5);
  UPDATE notes SET body = hex(zeroblob(9000)) WHERE id = 3`;

/** What must not change while nothing is taken over. */
export function filesOf(path: string): (Buffer | undefined)[] {
  return ["", "-wal", "-info"].map((suffix) =>
    existsSync(path + suffix) ? readFileSync(path + suffix) : undefined,
  );
}
