import { isOperator, keywordOf, nameOf, nextToken, type SqlToken } from "./tokenize-sql.js";

/** What a schema statement is about. */
export interface SchemaStatement {
  readonly type: "schema";
  readonly verb: "create" | "alter" | "drop";
  readonly object: "table" | "virtual table" | "index" | "view" | "trigger";
  /** `CREATE TEMP …`, or the schema `temp` in front of the name. */
  readonly temporary: boolean;
  /** The schema in front of the name. */
  readonly schema: string | undefined;
  readonly name: string;
  /** `CREATE TABLE … AS SELECT …`. */
  readonly asSelect: boolean;
  /** `ALTER TABLE … ADD …`. */
  readonly addsColumn: boolean;
}

/** A statement that changes rows; `REPLACE` is an insert. */
export interface WriteStatement {
  readonly type: "write";
  readonly verb: "insert" | "update" | "delete";
}

/** A statement that begins or ends a transaction or a savepoint. */
export type TransactionStatement =
  | {
      readonly type: "transaction";
      readonly verb: "begin";
      /** `BEGIN IMMEDIATE` or `EXCLUSIVE`: takes the write lock at once. */
      readonly immediate: boolean;
    }
  | {
      readonly type: "transaction";
      /** `rollback to` keeps its savepoint and its transaction open. */
      readonly verb: "commit" | "rollback" | "savepoint" | "release" | "rollback to";
    };

/** A pragma; `name` in lower case. */
export interface PragmaStatement {
  readonly type: "pragma";
  readonly name: string;
  readonly schema: string | undefined;
  /** The text of its value, unquoted, in lower case; `undefined` when the pragma is only read. */
  readonly value: string | undefined;
}

/** What kind of statement a text is, as far as its first tokens tell, and not behind `EXPLAIN`. */
export type PlainStatementClass =
  | { readonly type: "read" | "attach" | "detach" | "other" }
  | { readonly type: "vacuum"; readonly into: boolean }
  | WriteStatement
  | SchemaStatement
  | TransactionStatement
  | PragmaStatement;

/** What `EXPLAIN` stands in front of. It does not run, but SQLite obeys some pragmas while it compiles them. */
export interface ExplainStatement {
  readonly type: "explain";
  readonly explained: PlainStatementClass;
}

/** What kind of statement a text is, as far as its first tokens tell. */
export type StatementClass = PlainStatementClass | ExplainStatement;

const READ: PlainStatementClass = { type: "read" };
const INSERT: PlainStatementClass = { type: "write", verb: "insert" };
const OTHER: PlainStatementClass = { type: "other" };

/** Classes that the first word alone decides. */
const BY_FIRST_WORD: Readonly<Record<string, PlainStatementClass>> = {
  SELECT: READ,
  VALUES: READ,
  INSERT,
  REPLACE: INSERT,
  UPDATE: { type: "write", verb: "update" },
  DELETE: { type: "write", verb: "delete" },
  ATTACH: { type: "attach" },
  DETACH: { type: "detach" },
  COMMIT: { type: "transaction", verb: "commit" },
  END: { type: "transaction", verb: "commit" },
  SAVEPOINT: { type: "transaction", verb: "savepoint" },
  RELEASE: { type: "transaction", verb: "release" },
};

/** Reads the tokens of one text, front to back. */
interface Cursor {
  next(): SqlToken | undefined;
}

function cursorOf(sql: string): Cursor {
  let position = 0;
  return {
    next: () => {
      const token = nextToken(sql, position);
      if (token !== undefined) position = token.end;
      return token;
    },
  };
}

/** Classifies one statement; of several, the first. Anything SQLite would not understand is `other`. */
export function classifyStatement(sql: string): StatementClass {
  const cursor = cursorOf(sql);
  let first = cursor.next();
  while (isOperator(first, ";")) first = cursor.next();
  if (keywordOf(first) !== "EXPLAIN") return classifyPlain(cursor, first);
  let explained = cursor.next();
  if (keywordOf(explained) === "QUERY") {
    cursor.next();
    explained = cursor.next();
  }
  return { type: "explain", explained: classifyPlain(cursor, explained) };
}

function classifyPlain(cursor: Cursor, first: SqlToken | undefined): PlainStatementClass {
  const word = keywordOf(first);
  if (Object.hasOwn(BY_FIRST_WORD, word)) return BY_FIRST_WORD[word] ?? OTHER;
  switch (word) {
    case "BEGIN": {
      const mode = keywordOf(cursor.next());
      return { type: "transaction", verb: "begin", immediate: mode === "IMMEDIATE" || mode === "EXCLUSIVE" };
    }
    case "WITH":
      return classifyWith(cursor);
    case "ROLLBACK":
      return { type: "transaction", verb: hasWord(cursor, "TO") ? "rollback to" : "rollback" };
    case "VACUUM":
      return { type: "vacuum", into: hasWord(cursor, "INTO") };
    case "PRAGMA":
      return classifyPragma(cursor);
    case "CREATE":
      return classifyCreate(cursor);
    case "ALTER":
    case "DROP":
      return classifyAlterOrDrop(cursor, word === "ALTER" ? "alter" : "drop");
    default:
      return OTHER;
  }
}

/** The verb is the first of these words that follows the `)` of a table expression: earlier ones are names. */
function classifyWith(cursor: Cursor): PlainStatementClass {
  let depth = 0;
  let afterClose = false;
  for (let token = cursor.next(); token !== undefined; token = cursor.next()) {
    if (isOperator(token, "(")) depth += 1;
    else if (isOperator(token, ")")) depth -= 1;
    const known = depth === 0 && afterClose ? BY_FIRST_WORD[keywordOf(token)] : undefined;
    if (known !== undefined) return known;
    afterClose = depth === 0 && isOperator(token, ")");
  }
  return OTHER;
}

function classifyPragma(cursor: Cursor): PlainStatementClass {
  const { schema, name, after } = qualifiedName(cursor, cursor.next());
  if (name === undefined) return OTHER;
  let value: string | undefined;
  if (isOperator(after, "=") || isOperator(after, "(")) {
    let token = cursor.next();
    const sign = isOperator(token, "-") ? "-" : "";
    if (sign !== "" || isOperator(token, "+")) token = cursor.next();
    value = sign + (nameOf(token) ?? token?.text ?? "").toLowerCase();
  }
  return { type: "pragma", name: name.toLowerCase(), schema, value };
}

const OBJECTS: Readonly<Record<string, SchemaStatement["object"]>> = {
  TABLE: "table",
  INDEX: "index",
  VIEW: "view",
  TRIGGER: "trigger",
};

function classifyCreate(cursor: Cursor): PlainStatementClass {
  let token = cursor.next();
  const temp = keywordOf(token) === "TEMP" || keywordOf(token) === "TEMPORARY";
  if (temp || keywordOf(token) === "UNIQUE") token = cursor.next();
  const virtual = keywordOf(token) === "VIRTUAL";
  if (virtual) token = cursor.next();
  const object = OBJECTS[keywordOf(token)];
  if (object === undefined) return OTHER;
  token = cursor.next();
  if (keywordOf(token) === "IF") {
    token = cursor.next();
    // Without NOT after it, IF is the name.
    if (keywordOf(token) !== "NOT") return schemaStatement("create", object, temp, undefined, "IF", token);
    cursor.next();
    token = cursor.next();
  }
  const { schema, name, after } = qualifiedName(cursor, token);
  return schemaStatement("create", virtual ? "virtual table" : object, temp, schema, name, after);
}

function classifyAlterOrDrop(cursor: Cursor, verb: "alter" | "drop"): PlainStatementClass {
  const object = OBJECTS[keywordOf(cursor.next())];
  if (object === undefined) return OTHER;
  let token = cursor.next();
  if (verb === "drop" && keywordOf(token) === "IF") {
    const exists = cursor.next();
    if (keywordOf(exists) !== "EXISTS") return schemaStatement(verb, object, false, undefined, "IF", exists);
    token = cursor.next();
  }
  const { schema, name, after } = qualifiedName(cursor, token);
  return schemaStatement(verb, object, false, schema, name, after);
}

function schemaStatement(
  verb: SchemaStatement["verb"],
  object: SchemaStatement["object"],
  temp: boolean,
  schema: string | undefined,
  name: string | undefined,
  after: SqlToken | undefined,
): PlainStatementClass {
  if (name === undefined) return OTHER;
  const temporary = temp || schema?.toLowerCase() === "temp";
  const asSelect = verb === "create" && object === "table" && keywordOf(after) === "AS";
  const addsColumn = verb === "alter" && keywordOf(after) === "ADD";
  return { type: "schema", verb, object, temporary, schema, name, asSelect, addsColumn };
}

/** A name with or without a schema in front, and the token after it. */
function qualifiedName(
  cursor: Cursor,
  first: SqlToken | undefined,
): { schema: string | undefined; name: string | undefined; after: SqlToken | undefined } {
  const second = cursor.next();
  if (!isOperator(second, ".")) return { schema: undefined, name: nameOf(first), after: second };
  const name = nameOf(cursor.next());
  return { schema: nameOf(first), name, after: cursor.next() };
}

function hasWord(cursor: Cursor, word: string): boolean {
  for (let token = cursor.next(); token !== undefined; token = cursor.next()) {
    if (keywordOf(token) === word) return true;
    if (isOperator(token, ";")) return false;
  }
  return false;
}
