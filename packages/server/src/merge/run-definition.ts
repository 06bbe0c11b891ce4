import {
  foldName,
  isOperator,
  keywordOf,
  nameOf,
  parseTableDefinition,
  quoteIdentifier,
  type SchemaRow,
  tokenizeSql,
} from "@tributary/core";
import type { MergeTarget, SqlRefusal } from "./merge-target.js";

/** Folded names of everything in a schema that can be named in it. */
export type SchemaNames = ReadonlySet<string>;

/** What SQLite says of a text in double quotes that it takes for a name. */
const TEXT_TAKEN_FOR_NAME = /string literal in single-quotes/;
/** Words in front of an expression in parentheses, in which a table can name its own columns only. */
const BEFORE_EXPRESSION = /^(CHECK|AS|DEFAULT)$/;
/** Words in front of a name that nothing else in the schema has. */
const BEFORE_NAME = /^(CONSTRAINT|COLLATE|AS)$/;

/** Collects the names of a schema. */
export function namesOf(rows: readonly SchemaRow[]): SchemaNames {
  const names = new Set<string>();
  for (const { name, sql } of rows) {
    names.add(foldName(name));
    for (const column of parseTableDefinition(sql ?? "")?.columns ?? []) names.add(foldName(column.name));
  }
  return names;
}

/**
 * Runs a CREATE or ALTER of a replica; gives why the database refused it. SQLite as libSQL has it takes what stands in double
 * quotes for a text where no such name is; where that makes it fail here, it is run with single ones.
 */
export function runDefinition(target: MergeTarget, sql: string, names: SchemaNames): SqlRefusal | undefined {
  const refusal = target.attempt(() => {
    target.define(sql);
    probe(target, sql);
  });
  if (refusal === undefined) return undefined;
  const mended = withTextsInSingleQuotes(sql, names);
  if (mended !== sql && target.attempt(() => target.define(mended)) === undefined) return undefined;
  // What is wrong with a view or trigger besides, its user sees.
  return TEXT_TAKEN_FOR_NAME.test(refusal.message) ? target.attempt(() => target.define(sql)) : refusal;
}

/** The statement with texts in single quotes: whatever stands in double ones, and is no name. */
export function withTextsInSingleQuotes(sql: string, names: SchemaNames): string {
  const own = new Set((parseTableDefinition(sql)?.columns ?? []).map(({ name }) => foldName(name)));
  const tokens = tokenizeSql(sql);
  const aliases = new Set(
    tokens.flatMap((token, at) =>
      BEFORE_NAME.test(keywordOf(tokens[at - 1])) ? [foldName(nameOf(token) ?? "")] : [],
    ),
  );
  let result = "";
  let copied = 0;
  let depth = 0;
  let expression = 0;
  for (const [at, token] of tokens.entries()) {
    const before = keywordOf(tokens[at - 1]);
    if (isOperator(token, "(")) {
      depth += 1;
      if (expression === 0 && BEFORE_EXPRESSION.test(before)) expression = depth;
    } else if (isOperator(token, ")")) {
      if (expression === depth) expression = 0;
      depth -= 1;
    }
    if (token.type !== "quoted" || !token.text.startsWith('"')) continue;
    const text = nameOf(token) ?? "";
    const name = foldName(text);
    // A default names nothing, and what a table computes names columns of its own.
    const isComputed = own.size > 0 && expression > 0;
    const isName = own.has(name) || (!isComputed && (names.has(name) || aliases.has(name)));
    if (before !== "DEFAULT" && isName) continue;
    result += `${sql.slice(copied, token.start)}'${text.replaceAll("'", "''")}'`;
    copied = token.end;
  }
  return result + sql.slice(copied);
}

/** Compiles what is compiled later only: the body of a view or a trigger. Throws if that takes a text for a name. */
function probe(target: MergeTarget, sql: string): void {
  const tokens = tokenizeSql(sql);
  if (keywordOf(tokens[0]) !== "CREATE") return;
  const kind = keywordOf(tokens[1]);
  const name = nameOf(tokens[2]) ?? "";
  if (kind === "VIEW") compile(target, `SELECT * FROM main.${quoteIdentifier(name)}`);
  if (kind !== "TRIGGER") return;
  const table = target.tableOf("trigger", name);
  if (table === undefined) return;
  const quoted = `main.${quoteIdentifier(table)}`;
  const [column] = target.columnsOf(table);
  compile(target, `INSERT INTO ${quoted} DEFAULT VALUES`);
  compile(target, `DELETE FROM ${quoted}`);
  if (column !== undefined)
    compile(target, `UPDATE ${quoted} SET ${quoteIdentifier(column)} = ${quoteIdentifier(column)}`);
}

function compile(target: MergeTarget, sql: string): void {
  try {
    target.compile(sql);
  } catch (error) {
    if (error instanceof Error && TEXT_TAKEN_FOR_NAME.test(error.message)) throw error;
    // Views and triggers may name what is not there yet, or is not there any more.
  }
}
