import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { type DatabaseImage, PAGE_SIZE, quoteIdentifier } from "@tributary/core";
import Database from "better-sqlite3";

/** Offsets of the file format's versions in the header; 1: no write-ahead log. https://www.sqlite.org/fileformat2.html */
const FORMAT_VERSIONS = [18, 19] as const;

/** Rows that a constraint does not allow, which was added later, are no damage. */
const ROW_AGAINST_RULE = /^(NULL|NUMERIC|TEXT|non-\w+) value in /;
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB|ERROR)/;
/** What indexes are made with that another SQLite has, or an app (`libsql_vector_idx`), is no damage; it cannot be checked here. */
const NOT_KNOWN_HERE = /^(unknown function|no such function|no such collation sequence): /;

/**
 * Has SQLite check a whole image; gives what it finds first, undefined where all is well. The image is written to `path` for
 * that, which is deleted afterwards. `giveWay` as that of `TimeSlice`. Throws what reading it throws, or an error of Node.
 */
export async function checkImage(
  image: DatabaseImage,
  path: string,
  giveWay: () => Promise<void> | undefined,
): Promise<string | undefined> {
  try {
    const descriptor = openSync(path, "w", 0o600);
    try {
      for (let pageNumber = 1; pageNumber <= image.size; pageNumber++) {
        const page = Uint8Array.from(image.readPage(pageNumber));
        if (pageNumber === 1) for (const offset of FORMAT_VERSIONS) page[offset] = 1;
        writePage(descriptor, page, (pageNumber - 1) * PAGE_SIZE);
        const turn = giveWay();
        if (turn !== undefined) await turn;
      }
    } finally {
      closeSync(descriptor);
    }
    return firstProblem(path);
  } finally {
    rmSync(path, { force: true });
  }
}

/** Trap: `writeSync` may write less than it is given. */
function writePage(descriptor: number, page: Uint8Array, position: number): void {
  for (let written = 0; written < page.length; ) {
    written += writeSync(descriptor, page, written, page.length - written, position + written);
  }
}

function firstProblem(path: string): string | undefined {
  let connection: Database.Database | undefined;
  try {
    connection = new Database(path, { readonly: true });
    connection.pragma("trusted_schema = OFF");
    connection.pragma("cell_size_check = ON");
    connection.pragma("ignore_check_constraints = ON");
    const all = problemOf(connection, "100");
    if (all.isKnown) return all.problem;
    const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0";
    for (const name of connection.prepare(tables).pluck().all() as string[]) {
      const { problem } = problemOf(connection, quoteIdentifier(name));
      if (problem !== undefined) return problem;
    }
    return undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && DAMAGE.test(String(error.code))) return error.message;
    throw error;
  } finally {
    connection?.close();
  }
}

/** `argument`: a table, or the most lines to be told of all. `isKnown`: whether it could be checked. */
function problemOf(
  connection: Database.Database,
  argument: string,
): { readonly isKnown: boolean; readonly problem?: string | undefined } {
  try {
    const lines = connection.prepare(`PRAGMA integrity_check(${argument})`).pluck().all() as string[];
    return {
      isKnown: true,
      problem: lines.find((line) => line !== "ok" && !ROW_AGAINST_RULE.test(line)),
    };
  } catch (error) {
    if (error instanceof Error && NOT_KNOWN_HERE.test(error.message)) return { isKnown: false };
    throw error;
  }
}
