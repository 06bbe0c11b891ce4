import { foldName, type SchemaRow } from "../capture/schema-row.js";
import { keywordOf, nameOf, tokenizeSql } from "../sql/tokenize-sql.js";

/** Ends of the names of the tables that SQLite's own modules keep their content in. */
const FTS3 = ["content", "docsize", "segdir", "segments", "stat"];
const RTREE = ["node", "parent", "rowid"];
const SUFFIXES: ReadonlyMap<string, readonly string[]> = new Map([
  ["fts3", FTS3],
  ["fts4", FTS3],
  ["fts5", ["config", "content", "data", "docsize", "idx"]],
  ["rtree", RTREE],
  ["rtree_i32", RTREE],
  ["geopoly", RTREE],
]);

/**
 * By the folded names of tables, the virtual table that keeps its content there: as SQLite tells it of its own modules
 * (`pragma_table_list`), and of modules that are not known, by the names alone. The modules are not asked: making a virtual
 * table runs what its arguments say, and they may come from anybody.
 */
export function findShadowTables(rows: readonly SchemaRow[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const tables = rows.filter(({ type }) => type === "table");
  for (const virtual of tables) {
    const module = moduleOf(virtual.sql ?? "");
    if (module === undefined) continue;
    const prefix = `${foldName(virtual.name)}_`;
    const suffixes = SUFFIXES.get(module);
    for (const { name } of tables) {
      const folded = foldName(name);
      if (!folded.startsWith(prefix)) continue;
      if (suffixes?.includes(folded.slice(prefix.length)) ?? true) owners.set(folded, virtual.name);
    }
  }
  return owners;
}

/** The module of a virtual table, as `foldName` writes it; undefined: it is not virtual. */
function moduleOf(sql: string): string | undefined {
  const tokens = tokenizeSql(sql);
  if (keywordOf(tokens[0]) !== "CREATE" || keywordOf(tokens[1]) !== "VIRTUAL") return undefined;
  const using = tokens.findIndex((token, index) => index > 2 && keywordOf(token) === "USING");
  return foldName(nameOf(tokens[using + 1]) ?? "");
}
