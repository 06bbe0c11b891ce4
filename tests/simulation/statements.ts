import { rowStatements } from "./row-statements.js";
import { schemaStatements } from "./schema-statements.js";
import { pickByWeight, type Site, type StatementKind } from "./site.js";

const STATEMENTS: readonly StatementKind[] = [...rowStatements, ...schemaStatements];

/** Runs a statement drawn by weight; returns its name. */
export function runStatement(site: Site): string {
  let kind: StatementKind;
  do kind = pickByWeight(site.random, STATEMENTS);
  while (!kind.run(site));
  return kind.name;
}
