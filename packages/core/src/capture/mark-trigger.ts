import { isOperator, keywordOf, type SqlToken, tokenizeSql } from "../sql/tokenize-sql.js";

/** Functions of a captured connection: count the marked triggers that are running. All but the last return NULL. */
export const ENTER_FUNCTION = "tributary_enter";
export const LEAVE_FUNCTION = "tributary_leave";
export const DEPTH_FUNCTION = "tributary_depth";
/** Function of a captured connection: another number for each statement of the app's. */
export const STATEMENT_FUNCTION = "tributary_statement";

const ENTER = ` SELECT ${ENTER_FUNCTION}();`;
const LEAVE = `SELECT ${LEAVE_FUNCTION}(); `;
const IGNORE_HEAD = `CASE WHEN ${LEAVE_FUNCTION}() IS NULL THEN `;
const IGNORE_TAIL = ` END/*${LEAVE_FUNCTION}*/`;

/**
 * The statement of a trigger, so that its body counts itself while it runs. `RAISE(IGNORE)` leaves the body early, so
 * it counts down first. Other errors end the whole statement, and the next one starts from zero.
 */
export function markTrigger(sql: string): string {
  if (isMarkedTrigger(sql)) return sql;
  const tokens = tokenizeSql(sql);
  const begin = findTriggerBegin(tokens);
  const end = tokens.findLastIndex((token) => keywordOf(token) === "END");
  const beginToken = tokens[begin];
  const endToken = tokens[end];
  if (beginToken === undefined || endToken === undefined || end <= begin) return sql;
  let marked = `${sql.slice(0, beginToken.end)}${ENTER}`;
  let position = beginToken.end;
  for (let at = begin + 1; at < end; at++) {
    const raise = tokens[at];
    const close = tokens[at + 3];
    if (raise === undefined || close === undefined || !isRaiseIgnore(tokens, at)) continue;
    marked += `${sql.slice(position, raise.start)}${IGNORE_HEAD}${sql.slice(raise.start, close.end)}${IGNORE_TAIL}`;
    position = close.end;
  }
  return `${marked}${sql.slice(position, endToken.start)}${LEAVE}${sql.slice(endToken.start)}`;
}

/** The statement as it was before {@link markTrigger}, to the letter. */
export function unmarkTrigger(sql: string): string {
  if (!isMarkedTrigger(sql)) return sql;
  return sql.replaceAll(IGNORE_HEAD, "").replaceAll(IGNORE_TAIL, "").replace(ENTER, "").replace(LEAVE, "");
}

/** Whether the statement of a trigger is marked. */
export function isMarkedTrigger(sql: string): boolean {
  return sql.includes(ENTER);
}

/** Index of the BEGIN of a trigger's body. A column may be named `begin`, but no statement follows such a name. */
export function findTriggerBegin(tokens: readonly SqlToken[]): number {
  return tokens.findIndex(
    (token, at) =>
      keywordOf(token) === "BEGIN" &&
      !isOperator(tokens[at - 1], ".") &&
      /^(INSERT|REPLACE|UPDATE|DELETE|SELECT|VALUES|WITH)$/.test(keywordOf(tokens[at + 1])),
  );
}

function isRaiseIgnore(tokens: readonly SqlToken[], at: number): boolean {
  return (
    keywordOf(tokens[at]) === "RAISE" &&
    isOperator(tokens[at + 1], "(") &&
    keywordOf(tokens[at + 2]) === "IGNORE" &&
    isOperator(tokens[at + 3], ")")
  );
}
