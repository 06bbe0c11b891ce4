import { isOperator, keywordOf, nameOf, type SqlToken, tokenizeSql } from "./tokenize-sql.js";

/** An INSERT of one row of VALUES without functions and the like, with no conflict clause and nothing behind. */
export interface RowInsert {
  readonly schema: string | undefined;
  readonly table: string;
  /** The same statement as `INSERT OR FAIL`. */
  readonly orFail: string;
}

/** Reads such a statement; `undefined` for any other. */
export function parseRowInsert(sql: string): RowInsert | undefined {
  const tokens = tokenizeSql(sql);
  const [insert, into] = tokens;
  if (insert === undefined || keywordOf(insert) !== "INSERT" || keywordOf(into) !== "INTO") return undefined;
  const isQualified = isOperator(tokens[3], ".");
  const table = nameOf(tokens[isQualified ? 4 : 2]);
  if (table === undefined) return undefined;
  let at = isQualified ? 5 : 3;
  if (isOperator(tokens[at], "(")) at = afterList(tokens, at);
  if (keywordOf(tokens[at]) !== "VALUES" || !isOperator(tokens[at + 1], "(")) return undefined;
  at = afterList(tokens, at + 1);
  if (tokens.slice(at).some((token) => !isOperator(token, ";"))) return undefined;
  return {
    schema: isQualified ? nameOf(tokens[2]) : undefined,
    table,
    orFail: `${sql.slice(0, insert.end)} OR FAIL${sql.slice(insert.end)}`,
  };
}

/** Behind the next parenthesis, if it closes the one at `open`; else that is not the end of anything. */
function afterList(tokens: readonly SqlToken[], open: number): number {
  const next = tokens.findIndex(
    (token, at) => at > open && (isOperator(token, "(") || isOperator(token, ")")),
  );
  return isOperator(tokens[next], ")") ? next + 1 : open;
}
