import { statSync } from "node:fs";
import { type Connection, openConnection } from "./open-connection.js";

/** How thorough a check is: `quick` finds what makes a database unusable, `full` also indexes and foreign keys that are off. */
export type VerifyDepth = "quick" | "full";

/**
 * Work on a database file that takes long with a large one. Answers that are no promises mean that it was done in this
 * thread. A file that is not there is an error; none is created.
 */
export interface DatabaseJobs {
  /** Moves what can be moved from the WAL to the file, and waits for nobody. Throws an error of SQLite. */
  checkpoint(path: string): void | Promise<void>;
  /** What is wrong with a database, in the words of SQLite; empty if all is well. At most 100 lines. */
  verify(path: string, depth: VerifyDepth): readonly string[] | Promise<readonly string[]>;
}

const MAX_PROBLEMS = 100;
/** Of a connection that never starts a WAL over. */
const NO_WAL_LIMIT = -1;

/** Does everything at once, in the calling thread. */
export const inlineJobs: DatabaseJobs = {
  checkpoint(path) {
    const connection = openExisting(path);
    try {
      connection.pragma("wal_checkpoint(PASSIVE)");
    } finally {
      connection.close();
    }
  },
  verify(path, depth) {
    try {
      const connection = openExisting(path);
      try {
        return findProblems(connection, depth);
      } finally {
        connection.close();
      }
    } catch (error) {
      if (isDamage(error)) return [(error as Error).message];
      throw error;
    }
  },
};

function openExisting(path: string): Connection {
  // SQLite would make an empty database of a path that leads nowhere.
  statSync(path);
  return openConnection(path, NO_WAL_LIMIT);
}

/** What SQLite finds wrong. At most 100 lines. */
export function findProblems(connection: Connection, depth: VerifyDepth): readonly string[] {
  // The file may be anybody's: its schema must run nothing, and a cell may point anywhere.
  connection.pragma("trusted_schema = OFF");
  connection.pragma("cell_size_check = ON");
  const check = depth === "quick" ? "quick_check" : "integrity_check";
  const lines = connection.prepare(`PRAGMA ${check}(${MAX_PROBLEMS})`).pluck().all() as string[];
  const problems = lines.filter((line) => line !== "ok");
  if (depth === "quick" || problems.length > 0) return problems;
  const violations = new Map<string, number>();
  for (const row of connection
    .prepare("PRAGMA foreign_key_check")
    .iterate() as Iterable<ForeignKeyViolation>) {
    const key = `rows of ${row.table} refer to rows of ${row.parent} that are not there`;
    violations.set(key, (violations.get(key) ?? 0) + 1);
  }
  return [...violations].slice(0, MAX_PROBLEMS).map(([what, count]) => `${count} ${what}`);
}

interface ForeignKeyViolation {
  readonly table: string;
  readonly parent: string;
}

function isDamage(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return /^SQLITE_(CORRUPT|NOTADB|ERROR)/.test(String(error.code));
}
