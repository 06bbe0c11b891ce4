import Database from "better-sqlite3";
import type { Source } from "./source.js";

/** Between which of a source's transactions a database must be. */
export interface Expectation {
  readonly source: Source;
  /** What was acknowledged. */
  readonly least: number;
  /** What was begun. */
  readonly most: number;
}

/**
 * Looks at a database file as any other program would, in one read transaction: of every source it must hold exactly the
 * rows after its first n transactions, with n in the expected range; and its pages must be sound. Gives n per source.
 */
export function checkFile(what: string, path: string, expectations: readonly Expectation[]): number[] {
  const db = new Database(path, { readonly: true });
  try {
    return db.transaction(() => {
      const integrity = db.pragma("integrity_check", { simple: true });
      if (integrity !== "ok") throw new Error(`${what}: integrity_check says ${String(integrity)}`);
      return checkSources(what, db, expectations);
    })();
  } finally {
    db.close();
  }
}

/** As `checkFile`, on an open connection and without the check of the pages. */
export function checkSources(
  what: string,
  db: Database.Database,
  expectations: readonly Expectation[],
): number[] {
  return expectations.map(({ source, least, most }) => {
    const progress = db.prepare("SELECT n FROM progress WHERE source = ?").pluck().get(source.name);
    const n = typeof progress === "number" ? progress : 0;
    if (n < least || n > most) {
      throw new Error(
        `${what} has ${n} transactions of ${source.name}: ${least} were acknowledged, ${most} begun`,
      );
    }
    const [found, expected] = [rowsOf(db, source), source.rows(n)];
    if (found.join("\n") !== expected.join("\n")) {
      throw new Error(
        `${what} has not what ${n} transactions of ${source.name} make:${difference(found, expected)}`,
      );
    }
    return n;
  });
}

function rowsOf(db: Database.Database, source: Source): string[] {
  const counted = source.countedTable;
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN (?) OR name GLOB ?")
    .pluck()
    .all(counted, `extra_${source.name}_*`) as string[];
  const list = (sql: string, ...args: string[]): string[] =>
    db
      .prepare(sql)
      .pluck()
      .all(...args) as string[];
  return [
    ...list("SELECT 'keyed ' || id || ' ' || body FROM keyed WHERE source = ?", source.name),
    ...list("SELECT 'bare ' || part || ' ' || body FROM bare WHERE source = ?", source.name),
    ...(tables.includes(counted) ? list(`SELECT 'counted ' || part FROM ${counted}`) : []),
    ...tables.filter((name) => name !== counted).map((name) => `table ${name}`),
  ].sort();
}

function difference(found: readonly string[], expected: readonly string[]): string {
  const missing = without(expected, found).map((row) => `\n  missing: ${row.slice(0, 100)}`);
  const extra = without(found, expected).map((row) => `\n  too much: ${row.slice(0, 100)}`);
  return [...missing, ...extra].join("");
}

/** What is in the first list and not in the second, counting copies. */
function without(rows: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1);
  return rows.filter((row) => {
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left <= 0;
  });
}
