import { type SqlToken, sqlTokens } from "./sql-tokens.js";

/** What a statement does, as far as its result and its locks depend on it. */
export type StatementKind = "insert" | "update" | "delete" | "begin-write" | "end" | "other";

/** What can be told from the text of one statement, without SQLite. */
export interface StatementShape {
  readonly kind: StatementKind;
  readonly isExplain: boolean;
  /**
   * Name of the parameter of each index, from 1 (place 0 is unused), with its prefix; null for a bare `?` and for
   * indexes that only a higher `?NNN` makes exist.
   */
  readonly parameterNames: readonly (string | null)[];
  /** Why the server does not run it; undefined if it does. */
  readonly refusal: string | undefined;
}

const ROW_KINDS: Readonly<Record<string, StatementKind>> = {
  INSERT: "insert",
  REPLACE: "insert",
  UPDATE: "update",
  DELETE: "delete",
};

/** Pragmas that would take the file or the process out of the server's hands; reading them is fine. */
const PRAGMAS_NOT_TO_SET = new Set([
  "BUSY_TIMEOUT",
  "CELL_SIZE_CHECK",
  "CHECKPOINT_FULLFSYNC",
  "DATA_STORE_DIRECTORY",
  "FULLFSYNC",
  "HARD_HEAP_LIMIT",
  "JOURNAL_MODE",
  "JOURNAL_SIZE_LIMIT",
  "LOCKING_MODE",
  "MMAP_SIZE",
  "PAGE_SIZE",
  "SCHEMA_VERSION",
  "SOFT_HEAP_LIMIT",
  "SYNCHRONOUS",
  "TEMP_STORE_DIRECTORY",
  "THREADS",
  "WAL_AUTOCHECKPOINT",
  "WRITABLE_SCHEMA",
]);

/** Reads the shape of one statement. */
export function shapeOf(sql: string): StatementShape {
  const tokens = [...sqlTokens(sql)];
  const isExplain = tokens[0]?.text === "EXPLAIN";
  let first = 0;
  // The statement after EXPLAIN is looked at as well: SQLite runs some pragmas while it compiles them.
  if (isExplain) first = tokens[1]?.text === "QUERY" ? 3 : 1;
  return {
    kind: isExplain ? "other" : kindOf(tokens, first),
    isExplain,
    parameterNames: parameterNamesOf(tokens),
    refusal: refusalOf(tokens, first),
  };
}

function kindOf(tokens: readonly SqlToken[], first: number): StatementKind {
  const word = tokens[first]?.text ?? "";
  if (word === "BEGIN") {
    const mode = tokens[first + 1]?.text;
    return mode === "IMMEDIATE" || mode === "EXCLUSIVE" ? "begin-write" : "other";
  }
  if (word === "COMMIT" || word === "END" || word === "ROLLBACK") return "end";
  if (word !== "WITH") return ROW_KINDS[word] ?? "other";
  let depth = 0;
  for (const { text, kind } of tokens.slice(first + 1)) {
    if (text === "(") depth += 1;
    else if (text === ")") depth -= 1;
    else if (depth === 0 && kind === "word") {
      if (text === "SELECT" || text === "VALUES") return "other";
      const found = ROW_KINDS[text];
      if (found !== undefined) return found;
    }
  }
  return "other";
}

/** Numbers parameters as SQLite does (https://www.sqlite.org/lang_expr.html#varparam). */
function parameterNamesOf(tokens: readonly SqlToken[]): (string | null)[] {
  const names: (string | null)[] = [null];
  for (const { kind, text } of tokens) {
    if (kind !== "parameter") continue;
    if (text === "?") {
      names.push(null);
    } else if (text.startsWith("?")) {
      const index = Number(text.slice(1));
      // SQLite allows 32 766 and rejects the statement if there are more.
      if (index < 1 || index > 32_766) continue;
      while (names.length <= index) names.push(null);
      names[index] ??= text;
    } else if (!names.includes(text)) {
      names.push(text);
    }
  }
  return names;
}

function refusalOf(tokens: readonly SqlToken[], first: number): string | undefined {
  const word = tokens[first]?.text ?? "";
  if (word === "ATTACH" || word === "DETACH" || word === "VACUUM")
    return `${word} is not allowed on a synced database`;
  if (word !== "PRAGMA") return undefined;
  const dotted = tokens[first + 2]?.text === ".";
  const nameAt = first + (dotted ? 3 : 1);
  const name = pragmaName(tokens[nameAt]);
  const operator = tokens[nameAt + 1]?.text;
  const sets = operator === "=" || operator === "(";
  if (name === "WAL_CHECKPOINT")
    return "PRAGMA wal_checkpoint is not allowed: the server checkpoints by itself";
  if (sets && PRAGMAS_NOT_TO_SET.has(name)) {
    return `PRAGMA ${name.toLowerCase()} cannot be set on a synced database`;
  }
  return undefined;
}

function pragmaName(token: SqlToken | undefined): string {
  if (token === undefined) return "";
  const quoted = token.kind === "quoted" || token.kind === "string";
  return (quoted ? token.text.slice(1, -1) : token.text).toUpperCase();
}
