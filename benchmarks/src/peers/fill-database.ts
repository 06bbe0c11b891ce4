import { runRemoteSql } from "./run-remote-sql.js";

/** Rows of a kilobyte, three to a page. */
const ROWS_PER_MEGABYTE = 768;

/**
 * Fills a table of a server's database with about so many megabytes that no compression makes smaller. By SQL, because a
 * file that was made by another program is empty for new clients of Turso's server.
 */
export async function fillDatabase(url: string, megabytes: number): Promise<void> {
  const values = Array.from({ length: ROWS_PER_MEGABYTE }, () => "(randomblob(1000))").join(",");
  await runRemoteSql(url, [
    "CREATE TABLE blobs(id INTEGER PRIMARY KEY, body BLOB)",
    `INSERT INTO blobs(body) VALUES ${values}`,
  ]);
  for (let filled = 1; filled < megabytes; ) {
    const more = Math.min(filled, megabytes - filled, 64);
    await runRemoteSql(url, [
      `INSERT INTO blobs(body) SELECT randomblob(1000) FROM blobs LIMIT ${more * ROWS_PER_MEGABYTE}`,
    ]);
    filled += more;
  }
}

/** Writes all of a filled database anew, until its log has about so many megabytes more. */
export async function rewriteDatabase(url: string, megabytes: number): Promise<void> {
  for (let written = 0; written < megabytes; written++) {
    await runRemoteSql(url, [`UPDATE blobs SET body = randomblob(1000) WHERE id <= ${ROWS_PER_MEGABYTE}`]);
  }
}
