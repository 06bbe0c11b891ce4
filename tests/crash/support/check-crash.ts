import { existsSync } from "node:fs";
import {
  closeReplica,
  PAGE_SIZE,
  pushChanges,
  type ReplicaConfig,
  replicaFiles,
  SyncError,
  stats,
} from "@tributary/core";
import { expect } from "vitest";
import { contentsOf, integrityOfFile } from "../../support/contents.js";
import { type CrashReplica, openIn, pull } from "./crash-replica.js";
import type { Contents } from "./data-sets.js";
import type { ForkableRemote } from "./forkable-remote.js";

/** What has to be so after a crash. */
export interface Expectation {
  /** The replica shows one of these as soon as it is open. */
  readonly shown: readonly Contents[];
  /** Both sides hold this after the next sync. */
  readonly merged: Contents;
  /** How many changes may be pending as soon as it is open. */
  readonly pending: readonly number[];
  /** What the app does before that sync. */
  readonly mend: string | undefined;
  /**
   * Whether the synced pages may be given up, so that the next pull downloads all: before the first pull there are none,
   * and a checkpoint that is cut off cannot be told from another program's.
   */
  readonly mayForget: boolean;
  /** The replay was committed, so opening leads to the remote's latest revision without asking for it again. */
  readonly isReplayed?: boolean;
  readonly options: Partial<ReplicaConfig>;
}

/** How the next sync begins. */
export type SyncOrder = "push first" | "pull first";

/** Opens what a crash left, and fails unless everything is as it should be, now and after the next sync. */
export async function checkCrashed(
  directory: string,
  remote: ForkableRemote,
  expected: Expectation,
  order: SyncOrder,
): Promise<void> {
  const replica = await openIn(directory, remote.connect(), expected.options, 2);
  try {
    const { recovered, metadata } = replica.session;
    if (!expected.mayForget) {
      expect(recovered.map(({ message }) => message)).toEqual([]);
      expect(metadata.revision).toBeDefined();
    }
    if (expected.isReplayed) expect(metadata.revision).toBe(remote.latestRevision);
    await checkOpen(replica, remote, expected, order);
    await replica.run(closeReplica(replica.session));
  } finally {
    replica.drop();
  }
  checkClosed(replica.path);
}

/** Fails unless an open replica shows what it should, and the next sync leads to where it should. */
export async function checkOpen(
  replica: CrashReplica,
  remote: ForkableRemote,
  expected: Expectation,
  order: SyncOrder,
): Promise<void> {
  const { session, db } = replica;
  expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
  expectContents(contentsOf(db), expected.shown);
  expect(expected.pending).toContain((await replica.run(stats(session))).pendingChanges);
  await expectSyncedPages(replica, remote);
  if (expected.mend !== undefined) db.exec(expected.mend);
  await sync(replica, order);
  expectContents(contentsOf(db), [expected.merged]);
  expectContents(remote.contents(), [expected.merged]);
  // What is written from now on gets through too.
  db.exec("INSERT INTO log VALUES ('afterwards')");
  await replica.run(pushChanges(session));
  await replica.run(pull(session));
  const log = [...(expected.merged.log as string[]), "text:'afterwards'"].sort();
  expectContents(contentsOf(db), [{ ...expected.merged, log }]);
  expectContents(remote.contents(), [{ ...expected.merged, log }]);
  expect((await replica.run(stats(session))).pendingChanges).toBe(0);
  await expectSyncedPages(replica, remote);
}

/** Fails unless the files of a closed replica are whole, and nothing of an apply is left. */
export function checkClosed(path: string): void {
  expect(integrityOfFile(path)).toBe("ok");
  expect(existsSync(replicaFiles(path).journal)).toBe(false);
}

/** Fails, with the rows that are too many or too few, unless the contents are one of those. */
function expectContents(actual: Contents, allowed: readonly Contents[]): void {
  const differences = allowed.map((contents) => [
    ...missingRows(contents, actual).map((row) => `- ${row}`),
    ...missingRows(actual, contents).map((row) => `+ ${row}`),
  ]);
  if (differences.some((lines) => lines.length === 0)) return;
  throw new Error(
    `The contents are not what they should be:\n${differences.map((lines) => lines.join("\n")).join("\nor\n")}`,
  );
}

/** The rows of one side that the other has not, or not as often; and tables. */
function missingRows(of: Contents, from: Contents): string[] {
  return Object.entries(of).flatMap(([table, rows]) => {
    const left = [...(from[table] ?? [])];
    const missing = rows.filter((row) => {
      const index = left.indexOf(row);
      if (index >= 0) left.splice(index, 1);
      return index < 0;
    });
    const lines = missing.map((row) => `${table}: ${row.slice(0, 80)}`);
    return table in from ? lines : [`table ${table}`, ...lines];
  });
}

/** Sends and fetches until both sides are at rest. Where the remote refuses a push, what others changed may be why. */
async function sync({ session, run }: CrashReplica, order: SyncOrder = "push first"): Promise<void> {
  if (order === "pull first") await run(pull(session));
  try {
    await run(pushChanges(session));
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== "remote-sql-failed") throw error;
    await run(pull(session));
    await run(pushChanges(session));
  }
  await run(pull(session));
}

/** Fails unless the synced pages are, byte for byte, those of the remote at the synced revision. */
async function expectSyncedPages({ session, run }: CrashReplica, remote: ForkableRemote): Promise<void> {
  const { revision } = session.metadata;
  if (revision === undefined) return;
  const pages = remote.pagesAt(revision);
  expect(session.pages.synced.databaseSize).toBe(pages.length / PAGE_SIZE);
  for (let number = 1; number * PAGE_SIZE <= pages.length; number++) {
    const image = await run(session.pages.readSynced(number));
    const remotes = pages.subarray((number - 1) * PAGE_SIZE, number * PAGE_SIZE);
    if (!Buffer.from(image).equals(remotes)) throw new Error(`The synced image of page ${number} differs.`);
  }
}
