import { classifyStatement, markTrigger, splitStatements, tokenizeSql, unmarkTrigger } from "@tributary/core";
import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import { describe } from "vitest";
import { parseCreateIndex } from "../../packages/core/src/capture/parse-create-index.js";
import { triggerTargets } from "../../packages/core/src/capture/trigger-effects.js";
import { itSurvives } from "./support/fuzz.js";
import { SQL_TEXTS } from "./support/sql-corpus.js";

const FILE = "core-sql.test.ts";
const never = (): boolean => false;
const BYTES = SQL_TEXTS.map((text) => new Uint8Array(Buffer.from(text)));
const FRAGMENTS = [
  ..."'\"`[]();.,$@:?#-/*+|<>=!~%&^{}\\ \n\0",
  "--",
  "/*",
  "*/",
  "$a(",
  "::",
  "x'",
  "BEGIN",
  "END",
  "CASE",
  "RAISE(IGNORE)",
  "0x",
  "1e",
  "\ufeff",
  "\ud800",
  "COLLATE",
  "ASC",
  "IF",
  "EXPLAIN",
  "CREATE TRIGGER",
  "WITH",
];

/** Changed statements, statements with fragments in them, and fragments alone. */
function sqlLike(random: SeededRandom): string {
  if (random.chance(0.4)) return Buffer.from(mutateBytes(BYTES, random)).toString();
  let text = random.chance(0.6) ? random.pick(SQL_TEXTS) : "";
  for (let count = 1 + random.below(8); count > 0; count--) {
    const at = random.below(text.length + 1);
    const end = random.chance(0.5) ? at : Math.min(text.length, at + random.below(10));
    text = text.slice(0, at) + random.pick(FRAGMENTS) + text.slice(end);
  }
  return text;
}

/** A fragment again and again: what a reader that begins anew at every character takes ages for. */
function longSql(random: SeededRandom): string {
  // By the seed, so that each of them has its turn.
  const fragment = FRAGMENTS[random.seed % FRAGMENTS.length] as string;
  const filler = ["", "a", " "][Math.floor(random.seed / FRAGMENTS.length) % 3] as string;
  const start = random.pick(["", "SELECT ", "CREATE TRIGGER t BEGIN SELECT "]);
  return start + (fragment + filler).repeat(20_000);
}

function readAll(sql: string): void {
  let end = 0;
  for (const token of tokenizeSql(sql)) {
    if (token.start < end || token.end <= token.start || token.end > sql.length)
      throw new Error(`a token from ${token.start} to ${token.end} after ${end}`);
    if (token.text !== sql.slice(token.start, token.end)) throw new Error("another text than there is");
    end = token.end;
  }
  let at = 0;
  for (const statement of splitStatements(sql)) {
    at = sql.indexOf(statement, at);
    if (statement === "" || at < 0) throw new Error(`no such statement: ${statement}`);
    at += statement.length;
  }
  classifyStatement(sql);
  parseCreateIndex(sql);
  triggerTargets(sql);
  const marked = markTrigger(sql);
  if (unmarkTrigger(marked) !== sql) throw new Error(`another trigger comes back: ${unmarkTrigger(marked)}`);
}

describe("SQL text", () => {
  itSurvives(FILE, "tokenizer, splitter, classifier, indexes and triggers", {
    makeInput: sqlLike,
    decode: readAll,
    isExpectedError: never,
    refuses: false,
    count: 40_000,
  });
  itSurvives(FILE, "long texts", {
    makeInput: longSql,
    decode: readAll,
    isExpectedError: never,
    refuses: false,
    maxBytes: (bytes) => 500 * bytes,
    maxMilliseconds: 1_500,
    count: 3 * FRAGMENTS.length,
  });
});
