import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { FRAME_SIZE, PAGE_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { ServerDatabase } from "../../src/database/server-database.js";
import type { Branch } from "../../src/offline/branch.js";
import { openBranchStore } from "../../src/offline/file-branch-store.js";
import type { MergeWork } from "../../src/offline/merge-work.js";
import { formatRevision } from "../../src/pages/revision.js";
import type { ManualClock } from "../support/manual-clock.js";
import { openDatabase } from "../support/open-database.js";
import { runSql } from "../support/run-sql.js";
import { tempDirectory } from "../support/temp-directory.js";
import { imagesOfBytes } from "./merge-site.js";

/** A database of a server, and a branch on the disk whose replica is written by SQLite. */
export interface BranchSite {
  readonly database: ServerDatabase;
  readonly clock: ManualClock;
  readonly path: string;
  readonly branch: Branch;
  /** The newest revision. */
  revision(): string;
  /** Runs SQL in the replica; gives what is to be merged. `spoil` may change the frames. */
  push(sql: string, spoil?: (frames: Uint8Array) => void): MergeWork;
  /** What the database has, read by a connection of its own. */
  rows(sql: string): unknown[][];
}

/** `sql` makes the database. */
export async function openBranchSite(sql: string): Promise<BranchSite> {
  const { database, clock, path } = openDatabase();
  runSql(database, sql);
  const reader = new Database(path, { readonly: true });
  onTestFinished(() => void reader.close());
  const store = openBranchStore(tempDirectory(), { now: () => 0 });
  onTestFinished(() => store.close());
  let last = reader.serialize();
  const revision = (): string => formatRevision(database.log.current);
  const standing = { equalTo: revision(), compared: undefined, offered: undefined };
  const image = (async function* () {
    yield new Uint8Array(last);
  })();
  const branch = await store.create({ block: 5, device: "phone", image, standing });
  const replicaPath = join(tempDirectory(), "replica.db");
  writeFileSync(replicaPath, last);
  const replica = new Database(replicaPath);
  onTestFinished(() => void replica.close());
  // A replica is anybody's: it may write to its schema.
  replica.unsafeMode(true);
  return {
    database,
    clock,
    path,
    branch,
    revision,
    rows: (query) => reader.prepare(query).raw(true).all() as unknown[][],
    push(statements, spoil) {
      replica.exec(statements);
      const made = replica.serialize();
      const frames = framesBetween(last, made);
      last = made;
      spoil?.(frames);
      branch.stage(frames, "replica");
      const upTo = branch.stagedEnd;
      branch.prepare(upTo);
      return {
        directory: branch.directory,
        after: branch.head,
        upTo,
        clientId: "phone",
        equalTo: branch.standing.equalTo,
        onlyIfEqual: false,
        checkAll: false,
      };
    },
  };
}

/** One transaction with all pages that differ. */
function framesBetween(before: Uint8Array, after: Uint8Array): Uint8Array {
  const { changedPages, after: image } = imagesOfBytes(before, after);
  const frames = new Uint8Array(changedPages.size * FRAME_SIZE);
  const view = new DataView(frames.buffer);
  let at = 0;
  for (const page of changedPages) {
    view.setUint32(at, page);
    frames.set(image.readPage(page), at + FRAME_SIZE - PAGE_SIZE);
    at += FRAME_SIZE;
  }
  view.setUint32(at - FRAME_SIZE + 4, image.size);
  return frames;
}

/** Where the image is put that is checked. */
export const checkedImageOf = (branch: Branch): string => join(branch.directory, "checked-image.db");
