import {
  classifyStatement,
  type PlainStatementClass,
  type StatementClass,
  tokenizeSql,
} from "@tributary/core";

/** What a statement does, as far as its result and its locks depend on it. */
type StatementKind = "insert" | "update" | "delete" | "begin-write" | "end" | "other";

/** What can be told from the text of one statement, without SQLite. */
export interface StatementShape {
  readonly kind: StatementKind;
  readonly isExplain: boolean;
  /**
   * Name of the parameter of each index, from 1 (place 0 is unused), with its prefix; null for a bare `?` and for
   * indexes that only a higher `?NNN` makes exist.
   */
  readonly parameterNames: readonly (string | null)[];
  readonly hasNames: boolean;
  /** What it leaves on its connection, beside what it does to the database. */
  readonly traces: StatementTraces;
  /** Why the server does not run it; undefined if it does. */
  readonly refusal: string | undefined;
}

/** `in-transaction`: gone when the transaction ends that it runs in, if it does. `lasting`: perhaps something. */
type StatementTraces = "none" | "in-transaction" | "lasting";

/** Pragmas that are told something, and only read. */
const READING_PRAGMAS = new Set([
  "foreign_key_check",
  "foreign_key_list",
  "index_info",
  "index_list",
  "index_xinfo",
  "integrity_check",
  "quick_check",
  "table_info",
  "table_list",
  "table_xinfo",
]);

/** Pragmas that would take the file or the process out of the server's hands; reading them is fine. */
const PRAGMAS_NOT_TO_SET = new Set([
  "auto_vacuum",
  "busy_timeout",
  "cache_size",
  "cache_spill",
  "cell_size_check",
  "checkpoint_fullfsync",
  "data_store_directory",
  "default_cache_size",
  "encoding",
  "fullfsync",
  "hard_heap_limit",
  "journal_mode",
  "journal_size_limit",
  "locking_mode",
  "mmap_size",
  "page_size",
  "schema_version",
  "soft_heap_limit",
  "synchronous",
  "temp_store",
  "temp_store_directory",
  "threads",
  "trusted_schema",
  "wal_autocheckpoint",
  "writable_schema",
]);

/** Reads the shape of one statement. */
export function shapeOf(sql: string): StatementShape {
  const statement = classifyStatement(sql);
  const isExplain = statement.type === "explain";
  // The statement after EXPLAIN is looked at as well: SQLite runs some pragmas while it compiles them.
  const plain = isExplain ? statement.explained : statement;
  const parameterNames = parameterNamesOf(sql);
  return {
    kind: kindOf(statement),
    isExplain,
    parameterNames,
    hasNames: parameterNames.some((name) => name !== null),
    traces: tracesOf(plain),
    refusal: refusalOf(plain),
  };
}

function kindOf(statement: StatementClass): StatementKind {
  if (statement.type === "write") return statement.verb;
  if (statement.type !== "transaction") return "other";
  switch (statement.verb) {
    case "begin":
      return statement.immediate ? "begin-write" : "other";
    case "commit":
    case "rollback":
    case "rollback to":
      return "end";
    default:
      return "other";
  }
}

/** Numbers parameters as SQLite does (https://www.sqlite.org/lang_expr.html#varparam). */
function parameterNamesOf(sql: string): (string | null)[] {
  const names: (string | null)[] = [null];
  for (const { type, text } of tokenizeSql(sql)) {
    if (type !== "variable") continue;
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

/** Whatever is not known to leave nothing may leave something. */
function tracesOf(statement: PlainStatementClass): StatementTraces {
  switch (statement.type) {
    case "read":
    case "write":
    case "transaction":
      return "none";
    case "schema":
      return statement.temporary ? "lasting" : "none";
    case "pragma": {
      const { name, value } = statement;
      if (value === undefined || READING_PRAGMAS.has(name)) return "none";
      return name === "defer_foreign_keys" ? "in-transaction" : "lasting";
    }
    default:
      return "lasting";
  }
}

function refusalOf(statement: PlainStatementClass): string | undefined {
  switch (statement.type) {
    case "attach":
    case "detach":
    case "vacuum":
      return `${statement.type.toUpperCase()} is not allowed on a synced database`;
    case "pragma":
      break;
    default:
      return undefined;
  }
  const { name, value } = statement;
  if (name === "wal_checkpoint")
    return "PRAGMA wal_checkpoint is not allowed: the server checkpoints by itself";
  if (value === undefined || !PRAGMAS_NOT_TO_SET.has(name)) return undefined;
  return `PRAGMA ${name} cannot be set on a synced database`;
}
