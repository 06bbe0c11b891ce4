import { isOperator, keywordOf, tokenizeSql } from "../sql/tokenize-sql.js";

/** The parts of a stored `CREATE INDEX` that no pragma tells. */
export interface IndexText {
  /** The text of each indexed term, with its COLLATE and ASC or DESC taken off the end. */
  readonly terms: readonly string[];
  /** The condition of a partial index. */
  readonly where: string | undefined;
}

/** Reads a `CREATE INDEX` statement as sqlite_schema has it. */
export function parseCreateIndex(sql: string): IndexText {
  const tokens = tokenizeSql(sql);
  const terms: string[] = [];
  let depth = 0;
  let termStart = 0;
  let at = tokens.findIndex((token) => isOperator(token, "("));
  const endTerm = (last: number): void => {
    let end = last;
    // ASC, DESC and COLLATE are reserved or follow an operand, so at the end of a term they can be nothing else.
    if (/^(ASC|DESC)$/.test(keywordOf(tokens[end]))) end -= 1;
    if (keywordOf(tokens[end - 1]) === "COLLATE") end -= 2;
    terms.push(sql.slice(tokens[termStart]?.start, tokens[end]?.end));
  };
  for (; at >= 0 && at < tokens.length; at++) {
    const token = tokens[at];
    if (isOperator(token, "(")) {
      depth += 1;
      if (depth === 1) termStart = at + 1;
    } else if (isOperator(token, ")")) {
      depth -= 1;
      if (depth === 0) {
        endTerm(at - 1);
        break;
      }
    } else if (isOperator(token, ",") && depth === 1) {
      endTerm(at - 1);
      termStart = at + 1;
    }
  }
  const where = tokens[at + 1];
  return { terms, where: keywordOf(where) === "WHERE" && where ? sql.slice(where.end).trim() : undefined };
}
