import { equal, ok } from "node:assert/strict";
import { PAGE_SIZE, type ProtocolIo, type PullHeader, type PullRequest } from "@tributary/core";
import Database from "better-sqlite3";

/** "About 1 MiB", generously. */
const MOST_BATCH_BYTES = 2 * 1024 * 1024;
/** Offset of the file format versions in page 1: 2 means that a WAL belongs to the file. */
const FORMAT_VERSIONS = 18;

/** What a pull brought. */
export interface Pulled {
  readonly header: PullHeader;
  /** By page id. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly batches: number;
}

/** Pulls to the end, and checks what holds for every pull. */
export async function pullAll(remote: ProtocolIo, request: Partial<PullRequest> = {}): Promise<Pulled> {
  const { pull, header } = await remote.startPull({ longPollTimeoutMs: 0, ...request });
  const pages = new Map<number, Uint8Array>();
  let batches = 0;
  try {
    ok(header.revision !== "", "a revision has a name");
    ok(header.endpoint !== "", "the endpoint has a name");
    for (let batch = await remote.receivePages(pull); batch; batch = await remote.receivePages(pull)) {
      batches++;
      ok(batch.pageIds.length > 0, "a batch has pages");
      ok(batch.bytes.length <= MOST_BATCH_BYTES, `a batch is about 1 MiB, not ${batch.bytes.length} bytes`);
      equal(batch.bytes.length, batch.pageIds.length * PAGE_SIZE, "bytes of a batch");
      for (const [index, pageId] of batch.pageIds.entries()) {
        ok(pageId < header.databaseSize, `page ${pageId} lies within ${header.databaseSize} pages`);
        equal(pages.has(pageId), false, `page ${pageId} comes once`);
        pages.set(pageId, batch.bytes.slice(index * PAGE_SIZE, (index + 1) * PAGE_SIZE));
      }
    }
  } finally {
    await remote.endPull(pull);
  }
  return { header, pages, batches };
}

/** Pages laid over each other, the later ones on top, as a file. */
export function fileOf(...pulls: readonly Pulled[]): Uint8Array {
  const databaseSize = pulls.at(-1)?.header.databaseSize ?? 0;
  const file = new Uint8Array(databaseSize * PAGE_SIZE);
  for (const { pages } of pulls) {
    for (const [pageId, page] of pages) if (pageId < databaseSize) file.set(page, pageId * PAGE_SIZE);
  }
  return file;
}

/** The rows of a query of a database in these bytes, which SQLite has found sound. */
export function queryBytes(file: Uint8Array, sql: string): readonly unknown[] {
  const bytes = Buffer.from(file);
  bytes.fill(1, FORMAT_VERSIONS, FORMAT_VERSIONS + 2);
  const db = new Database(bytes);
  try {
    equal(db.pragma("integrity_check", { simple: true }), "ok", "SQLite's integrity check");
    return db.prepare(sql).safeIntegers().raw().all();
  } finally {
    db.close();
  }
}
