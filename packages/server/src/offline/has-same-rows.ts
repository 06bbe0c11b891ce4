import {
  type DatabaseImage,
  type ImageDifference,
  type ImageSchema,
  isBookkeepingTable,
  PAGE_SIZE,
} from "@tributary/core";
import type { ServerDatabase } from "../database/server-database.js";
import { compareWithScratch } from "../merge/compare-with-scratch.js";
import type { Snapshot } from "../pages/snapshot.js";
import type { Branch } from "./branch.js";

/**
 * Whether the database has the schema and the rows of a branch's head, whatever their pages look like, apart from tables for
 * keeping books. `pageIds`: the pages that may differ. Runs in one piece: it is for what is rare. Throws what reading throws.
 */
export function hasSameRows(
  database: ServerDatabase,
  snapshot: Snapshot,
  branch: Branch,
  pageIds: Uint32Array,
): boolean {
  const page = new Uint8Array(PAGE_SIZE);
  const now: DatabaseImage = {
    size: snapshot.databaseSize,
    readPage(pageNumber) {
      database.readPages(snapshot, Uint32Array.of(pageNumber - 1), page);
      return page;
    },
  };
  return isNothing(
    compareWithScratch({
      before: branch.imageAt(branch.head),
      after: now,
      changedPages: new Set(Array.from(pageIds, (pageId) => pageId + 1)),
    }),
  );
}

function isNothing({ before, after, tables }: ImageDifference): boolean {
  if (describe(before) !== describe(after)) return false;
  for (const table of tables) for (const _ of table.rows()) return false;
  return true;
}

function describe({ rows, userVersion, applicationId }: ImageSchema): string {
  const kept = rows
    .filter(({ table }) => !isBookkeepingTable(table))
    .map(({ type, name, table, sql }) => JSON.stringify([type, name, table, sql]));
  return JSON.stringify([userVersion, applicationId, kept.sort()]);
}
