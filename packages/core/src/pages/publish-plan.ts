import { SyncError } from "../errors/sync-error.js";
import type { PageImages, PublishPlan, SyncedPages } from "../ports/replica-pages.js";
import { LOCK_BYTE_PAGE } from "../sqlite-format/database-header.js";
import { pageIdOf } from "../values/page.js";
import { PageMap } from "./page-map.js";

/** The plan of a publish through the log. Goes through the journal as JSON. */
export interface WalPublishPlan extends PublishPlan {
  /**
   * Schema cookie of the page 1 that is published: higher than any before it, lower than that of a replay, which makes
   * tables. So the database itself tells how far an apply came even when the log is gone.
   */
  readonly schemaCookie: number;
}

/**
 * The pages that a publish takes from the synced state, ascending: those touched that the remote does not bring, and
 * always page 1, because without a new schema cookie other connections would go on with the schema they know.
 */
export function rollbackPages(
  touched: Iterable<number>,
  synced: SyncedPages,
  remote: PageImages,
  databaseSize: number,
): Uint32Array {
  const brought = new PageMap();
  brought.addAll(remote.pageNumbers.map(pageIdOf), databaseSize);
  checkGrowth(brought, synced, databaseSize);
  const limit = Math.min(databaseSize, synced.databaseSize);
  const pages = new Set([...touched].filter((page) => page <= limit && !brought.has(pageIdOf(page))));
  if (!brought.has(pageIdOf(1))) pages.add(1);
  return Uint32Array.from(pages).sort();
}

/** A page that the synced state does not have must come from the remote: a local one lies in its place. */
function checkGrowth(brought: PageMap, synced: SyncedPages, databaseSize: number): void {
  for (let page = synced.databaseSize + 1; page <= databaseSize; page++) {
    if (brought.has(pageIdOf(page)) || page === LOCK_BYTE_PAGE) continue;
    throw new SyncError(
      "invalid-page-stream",
      `The remote database grew from ${synced.databaseSize} to ${databaseSize} pages, but the page with the id ${page - 1} was not sent. Nothing was applied.`,
    );
  }
}
