/** What a token is. Space and comments are not tokens. */
export type SqlTokenType =
  /** A keyword or a bare name: SQL cannot tell them apart without its grammar. */
  | "word"
  /** A name in `"…"`, `[…]` or `` `…` ``. */
  | "quoted"
  | "string"
  | "blob"
  | "number"
  | "variable"
  | "operator"
  /** Something that SQLite refuses: an unterminated quote, a stray character. */
  | "illegal";

/** One token and where it stands in the text. */
export interface SqlToken {
  readonly type: SqlTokenType;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /[ \t\n\f\r\uFEFF]/;
const WORD_START = /[A-Za-z_\u0080-\uFFFF]/;
const WORD = /[A-Za-z0-9_$\u0080-\uFFFF]*/y;
const NUMBER = /0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?/y;
const VARIABLE = /\?[0-9]*|[:@#$](?:[A-Za-z0-9_$\u0080-\uFFFF]|::)+/y;
/** What may stand in the parentheses of a Tcl variable. */
const VARIABLE_INDEX = /[^\0 \t\n\v\f\r)]*/y;
/** `::` alone is no name. */
const NAMED = /[^:]/;
const OPERATOR = /->>|->|\|\||<<|>>|<>|<=|>=|==|!=|[-+*/%=<>&|~(),.;]/y;

/** The tokens of an SQL text, by SQLite's lexical rules. Never fails; a NUL ends the text, as it does for SQLite. */
export function tokenizeSql(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let position = 0;
  for (;;) {
    const token = nextToken(sql, position);
    if (token === undefined) return tokens;
    tokens.push(token);
    position = token.end;
  }
}

/** The first token at or after a position; `undefined` at the end. Lets a caller look at a few tokens of a long text. */
export function nextToken(sql: string, from: number): SqlToken | undefined {
  const start = skipSpace(sql, from);
  const first = sql[start];
  if (first === undefined || first === "\0") return undefined;
  if (first === "'") return closed(sql, start, start, "'", "string");
  if (first === '"' || first === "`") return closed(sql, start, start, first, "quoted");
  if (first === "[") {
    const close = sql.indexOf("]", start);
    return close < 0 ? token(sql, "illegal", start, sql.length) : token(sql, "quoted", start, close + 1);
  }
  if ((first === "x" || first === "X") && sql[start + 1] === "'")
    return closed(sql, start, start + 1, "'", "blob");
  if (WORD_START.test(first)) return token(sql, "word", start, matchEnd(WORD, sql, start));
  const number = matchEnd(NUMBER, sql, start);
  if (number > start) return token(sql, "number", start, number);
  const variable = matchEnd(VARIABLE, sql, start);
  if (variable > start) return variableToken(sql, start, variable);
  const operator = matchEnd(OPERATOR, sql, start);
  if (operator > start) return token(sql, "operator", start, operator);
  return token(sql, "illegal", start, start + 1);
}

/** The word in upper case; "" for anything that is not a bare word. */
export function keywordOf(token: SqlToken | undefined): string {
  return token?.type === "word" ? token.text.toUpperCase() : "";
}

/** Whether the token is that operator. */
export function isOperator(token: SqlToken | undefined, text: string): boolean {
  return token?.type === "operator" && token.text === text;
}

/** The name that a token stands for. SQLite takes string literals for names too, where a name must stand. */
export function nameOf(token: SqlToken | undefined): string | undefined {
  if (token === undefined) return undefined;
  if (token.type === "word") return token.text;
  if (token.type !== "quoted" && token.type !== "string") return undefined;
  const quote = token.text[0] as string;
  const inner = token.text.slice(1, -1);
  return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
}

function skipSpace(sql: string, from: number): number {
  let position = from;
  for (;;) {
    const char = sql[position];
    if (char === undefined) return position;
    if (SPACE.test(char)) {
      position += 1;
    } else if (char === "-" && sql[position + 1] === "-") {
      const end = sql.indexOf("\n", position);
      position = end < 0 ? sql.length : end + 1;
    } else if (char === "/" && sql[position + 1] === "*") {
      // An unterminated comment runs to the end, as SQLite has it.
      const end = sql.indexOf("*/", position + 2);
      position = end < 0 ? sql.length : end + 2;
    } else {
      return position;
    }
  }
}

/** A token that ends at its quote; the quote doubled does not end it. */
function closed(sql: string, start: number, open: number, quote: string, type: SqlTokenType): SqlToken {
  let position = open + 1;
  for (;;) {
    const close = sql.indexOf(quote, position);
    if (close < 0) return token(sql, "illegal", start, sql.length);
    if (sql[close + 1] !== quote) return token(sql, type, start, close + 1);
    position = close + 2;
  }
}

/** A variable whose name ends at `end`, with its index if it has one: without its `)` SQLite refuses all of it. */
function variableToken(sql: string, start: number, end: number): SqlToken {
  if (sql[start] === "?") return token(sql, "variable", start, end);
  if (!NAMED.test(sql.slice(start + 1, end))) return token(sql, "illegal", start, end);
  if (sql[end] !== "(") return token(sql, "variable", start, end);
  const close = matchEnd(VARIABLE_INDEX, sql, end + 1);
  return sql[close] === ")" ? token(sql, "variable", start, close + 1) : token(sql, "illegal", start, close);
}

function matchEnd(pattern: RegExp, sql: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.test(sql) ? pattern.lastIndex : start;
}

function token(sql: string, type: SqlTokenType, start: number, end: number): SqlToken {
  return { type, text: sql.slice(start, end), start, end };
}
