import { sqlTokens } from "./sql-tokens.js";

/**
 * Splits SQL text at the semicolons that end statements, by the rules of `sqlite3_complete`: inside CREATE TRIGGER, only
 * one after END does. Statements without a token are left out.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let start: number | undefined;
  let end = 0;
  let words: string[] = [];
  let lastTokens = ["", ""];
  for (const token of sqlTokens(sql)) {
    if (token.kind !== "semicolon") {
      start ??= token.start;
      end = token.end;
      if (words.length < 4) words.push(token.text);
      lastTokens = [lastTokens[1] as string, token.text];
      continue;
    }
    if (start === undefined) continue;
    const insideTrigger = isTrigger(words) && !(lastTokens[0] === ";" && lastTokens[1] === "END");
    if (insideTrigger) {
      lastTokens = [lastTokens[1] as string, ";"];
      continue;
    }
    statements.push(sql.slice(start, end));
    start = undefined;
    words = [];
    lastTokens = ["", ""];
  }
  if (start !== undefined) statements.push(sql.slice(start, end));
  return statements;
}

function isTrigger(words: readonly string[]): boolean {
  const rest = words[0] === "EXPLAIN" ? words.slice(1) : words;
  if (rest[0] !== "CREATE") return false;
  return rest[1] === "TRIGGER" || ((rest[1] === "TEMP" || rest[1] === "TEMPORARY") && rest[2] === "TRIGGER");
}
