import { foldName } from "../capture/schema-row.js";
import { isOperator, keywordOf, nameOf, type SqlToken, tokenizeSql } from "../sql/tokenize-sql.js";

/** One column, as a CREATE TABLE has it. */
export interface ColumnDefinition {
  readonly name: string;
  /** From its name on, as it stands there. */
  readonly text: string;
  /** What follows its name, so that two of them can be compared: see `comparableTokens`. */
  readonly body: readonly string[];
}

/** What a CREATE TABLE says. */
export interface TableDefinition {
  readonly columns: readonly ColumnDefinition[];
  /** The constraints of the table, and what stands behind the parentheses (STRICT, WITHOUT ROWID). */
  readonly rest: readonly string[];
}

/** Words that begin a constraint of the table; quoted, they are names of columns. */
const CONSTRAINT = /^(CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)$/;

/**
 * Reads a CREATE TABLE as sqlite_schema has it: `CREATE TABLE name(…) …`. Undefined for a text that is none, such as that of
 * a virtual table.
 */
export function parseTableDefinition(sql: string): TableDefinition | undefined {
  const tokens = tokenizeSql(sql);
  const open = tokens.findIndex((token) => isOperator(token, "("));
  if (keywordOf(tokens[0]) !== "CREATE" || keywordOf(tokens[1]) !== "TABLE" || open < 0) return undefined;
  const columns: ColumnDefinition[] = [];
  const rest: string[] = [];
  let start = open + 1;
  let depth = 0;
  let at = open;
  const endPart = (): void => {
    const part = tokens.slice(start, at);
    start = at + 1;
    const [first] = part;
    const last = part.at(-1);
    const name = nameOf(first);
    if (first === undefined || last === undefined) return;
    if (name === undefined || CONSTRAINT.test(keywordOf(first))) rest.push(",", ...comparableTokens(part));
    else
      columns.push({ name, text: sql.slice(first.start, last.end), body: comparableTokens(part.slice(1)) });
  };
  for (; at < tokens.length; at++) {
    const token = tokens[at];
    if (isOperator(token, "(")) depth += 1;
    else if (isOperator(token, ",") && depth === 1) endPart();
    else if (isOperator(token, ")")) {
      depth -= 1;
      if (depth > 0) continue;
      endPart();
      rest.push(")", ...comparableTokens(tokens.slice(at + 1)));
      return { columns, rest };
    }
  }
  return undefined;
}

/** Tokens in one form, however their names are quoted and words are written. */
function comparableTokens(tokens: readonly SqlToken[]): string[] {
  return tokens.map((token) =>
    token.type === "word" || token.type === "quoted" ? foldName(nameOf(token) ?? token.text) : token.text,
  );
}
