/** What a token is, as far as this package needs to know. */
export type SqlTokenKind = "word" | "quoted" | "string" | "number" | "parameter" | "semicolon" | "symbol";

/** One token of SQL text. Comments and white space are none. */
export interface SqlToken {
  readonly kind: SqlTokenKind;
  /** As written; words in upper case. */
  readonly text: string;
  /** Position in the text of the first character, and of the one after the last. */
  readonly start: number;
  readonly end: number;
}

const SPACE = /[ \t\n\f\r\ufeff]+/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z_0-9$\u0080-\uffff]*/y;
const NUMBER = /(?:[0-9]|\.[0-9])(?:[eE][+-]|[A-Za-z_0-9.$\u0080-\uffff])*/y;
const PARAMETER =
  /\?[0-9]*|[:@][A-Za-z_0-9$\u0080-\uffff]+|\$(?:[A-Za-z_0-9$\u0080-\uffff]|::)+(?:\([^)\s]*\))?/y;

/**
 * The tokens of SQL text, one at a time, by the rules of SQLite's tokenize.c. An unterminated string or comment runs to
 * the end of the text; SQLite itself then complains about it.
 */
export function* sqlTokens(sql: string): Generator<SqlToken, undefined> {
  let start = 0;
  while (start < sql.length) {
    const skipped = endOfSpace(sql, start);
    if (skipped > start) {
      start = skipped;
      continue;
    }
    const [kind, end] = tokenAt(sql, start);
    const text = sql.slice(start, end);
    yield { kind, text: kind === "word" ? text.toUpperCase() : text, start, end };
    start = end;
  }
  return undefined;
}

function endOfSpace(sql: string, start: number): number {
  if (sql.startsWith("--", start)) return endAfter(sql, "\n", start);
  if (sql.startsWith("/*", start)) return endAfter(sql, "*/", start + 2);
  return endOfMatch(SPACE, sql, start);
}

function tokenAt(sql: string, start: number): [SqlTokenKind, number] {
  const character = sql[start] as string;
  switch (character) {
    case ";":
      return ["semicolon", start + 1];
    case "'":
      return ["string", endOfQuoted(sql, "'", start)];
    case '"':
    case "`":
      return ["quoted", endOfQuoted(sql, character, start)];
    case "[":
      return ["quoted", endAfter(sql, "]", start)];
    case "x":
    case "X":
      if (sql[start + 1] === "'") return ["string", endAfter(sql, "'", start + 2)];
  }
  for (const [kind, pattern] of PATTERNS) {
    const end = endOfMatch(pattern, sql, start);
    if (end > start) return [kind, end];
  }
  return ["symbol", start + 1];
}

const PATTERNS: readonly (readonly [SqlTokenKind, RegExp])[] = [
  ["word", WORD],
  ["number", NUMBER],
  ["parameter", PARAMETER],
];

function endOfMatch(pattern: RegExp, sql: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.test(sql) ? pattern.lastIndex : start;
}

function endAfter(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found < 0 ? sql.length : found + mark.length;
}

/** Inside quotes a doubled quote stands for one. */
function endOfQuoted(sql: string, quote: string, start: number): number {
  let end = endAfter(sql, quote, start + 1);
  while (sql[end] === quote && sql[end - 1] === quote) end = endAfter(sql, quote, end + 1);
  return end;
}
