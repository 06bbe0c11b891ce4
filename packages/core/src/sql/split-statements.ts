import { isOperator, keywordOf, nextToken, type SqlToken } from "./tokenize-sql.js";

/**
 * The statements of one SQL text, without their `;` and without space and comments around them. The same automaton as
 * `sqlite3_complete`: a `CREATE TRIGGER` ends at `; END ;` (or at the end of the text), so the `END` of a `CASE` inside
 * it, which never follows a `;`, does not end it.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let head: string[] = [];
  let start = -1;
  let end = 0;
  let previous: SqlToken | undefined;
  let beforePrevious: SqlToken | undefined;
  for (let token = nextToken(sql, 0); token !== undefined; token = nextToken(sql, token.end)) {
    const triggerOpen =
      isTriggerHead(head) && !(isOperator(beforePrevious, ";") && keywordOf(previous) === "END");
    if (isOperator(token, ";") && !triggerOpen) {
      if (start >= 0) statements.push(sql.slice(start, end));
      head = [];
      start = -1;
      previous = beforePrevious = undefined;
      continue;
    }
    if (start < 0) start = token.start;
    if (head.length < 6) head.push(keywordOf(token));
    end = token.end;
    beforePrevious = previous;
    previous = token;
  }
  if (start >= 0) statements.push(sql.slice(start, end));
  return statements;
}

function isTriggerHead(words: readonly string[]): boolean {
  let at = 0;
  if (words[at] === "EXPLAIN") at += words[at + 1] === "QUERY" ? 3 : 1;
  if (words[at] !== "CREATE") return false;
  const next = words[at + 1];
  return words[next === "TEMP" || next === "TEMPORARY" ? at + 2 : at + 1] === "TRIGGER";
}
