import { foldName } from "../capture/schema-row.js";
import { isOperator, keywordOf, nameOf, type SqlToken, tokenizeSql } from "../sql/tokenize-sql.js";

/** Collations that SQLite itself has. */
export const COLLATIONS: ReadonlySet<string> = new Set(["binary", "nocase", "rtrim"]);

/**
 * The text of a CREATE TABLE, as sqlite_schema has it, for a table of another name whose rows are stored in the same way;
 * undefined for a text that is none. Expressions that do not matter for that are left out: they may name functions that are
 * not there, or be written in a way that SQLite reads in a schema only (`CHECK (a <> "")`). So are collations of the app's.
 *
 * The text may come from anybody: it is one statement, and creates a table from a list of columns, or it is refused.
 */
export function createTextFor(name: string, sql: string): string | undefined {
  const tokens = tokenizeSql(sql);
  const [create, table, , open] = tokens;
  if (keywordOf(create) !== "CREATE" || keywordOf(table) !== "TABLE" || !isOperator(open, "("))
    return undefined;
  if (tokens.some((token) => token.type === "illegal" || isOperator(token, ";"))) return undefined;
  const text = [`CREATE TABLE ${name} `];
  let kept = (open as SqlToken).start;
  let depth = 0;
  const replace = (from: number, to: number, by: string): void => {
    text.push(sql.slice(kept, from), by);
    kept = to;
  };
  for (let at = 3; at < tokens.length; at++) {
    const token = tokens[at] as SqlToken;
    const next = tokens[at + 1];
    if (isOperator(token, "(")) depth += 1;
    else if (isOperator(token, ")")) depth -= 1;
    if (depth !== 1) continue;
    const word = keywordOf(token);
    const instead = isOperator(next, "(") ? INSTEAD_OF[word] : undefined;
    if (instead !== undefined) {
      const close = closeOf(tokens, at + 1);
      if (close === undefined) return undefined;
      replace((next as SqlToken).start, (tokens[close] as SqlToken).end, instead);
      at = close;
    } else if (word === "COLLATE" && !COLLATIONS.has(foldName(nameOf(next) ?? ""))) {
      replace(token.end, next?.end ?? token.end, " BINARY");
      at += 1;
    }
  }
  text.push(sql.slice(kept, tokens.at(-1)?.end));
  return text.join("");
}

/** What to write for an expression, by the word in front of it: a constraint, a generated column. */
const INSTEAD_OF: Readonly<Record<string, string>> = { CHECK: "(1)", AS: "(NULL)" };

function closeOf(tokens: readonly SqlToken[], open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const token = tokens[at];
    if (isOperator(token, "(")) depth += 1;
    else if (isOperator(token, ")") && --depth === 0) return at;
  }
  return undefined;
}
