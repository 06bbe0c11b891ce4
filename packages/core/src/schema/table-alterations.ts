import { foldName } from "../capture/schema-row.js";
import { quoteIdentifier } from "../sql/quote-identifier.js";
import type { ColumnDefinition, TableDefinition } from "./table-definition.js";

/** One step by which a table was altered. */
export type TableAlteration =
  | { readonly type: "rename"; readonly from: string; readonly to: string }
  | { readonly type: "drop"; readonly column: string }
  | { readonly type: "add"; readonly column: string; readonly definition: string };

/** A name before and after. */
export interface Renamed {
  readonly from: string;
  readonly to: string;
}

/**
 * The statements that lead from one form of a table to another, as ALTER TABLE can: columns are renamed where they stand,
 * dropped, and added at the end. Undefined where it cannot, because constraints, types or the order of columns differ.
 */
export function findAlterations(
  before: TableDefinition,
  after: TableDefinition,
  renamedColumns: readonly Renamed[],
  renamedTable?: Renamed,
): readonly TableAlteration[] | undefined {
  const newNames = new Map(renamedColumns.map(({ from, to }) => [foldName(from), foldName(to)]));
  const isAfter = new Set(after.columns.map(({ name }) => foldName(name)));
  const newNameOf = ({ name }: ColumnDefinition): string => newNames.get(foldName(name)) ?? foldName(name);
  const kept = before.columns.filter((column) => isAfter.has(newNameOf(column)));
  const renamed = (tokens: readonly string[]): string[] =>
    tokens.map((token) => {
      if (renamedTable !== undefined && token === foldName(renamedTable.from))
        return foldName(renamedTable.to);
      return newNames.get(token) ?? token;
    });
  const staysInPlace = kept.every((column, index) => {
    const there = after.columns[index];
    return (
      there !== undefined &&
      foldName(there.name) === newNameOf(column) &&
      sameTokens(renamed(column.body), there.body)
    );
  });
  if (!staysInPlace || !sameTokens(renamed(before.rest), after.rest)) return undefined;
  return [
    ...renamedColumns.map(({ from, to }): TableAlteration => ({ type: "rename", from, to })),
    ...before.columns
      .filter((column) => !kept.includes(column))
      .map(({ name }): TableAlteration => ({ type: "drop", column: name })),
    ...after.columns
      .slice(kept.length)
      .map(({ name, text }): TableAlteration => ({ type: "add", column: name, definition: text })),
  ];
}

/** The statement of an alteration. */
export function alterationSql(table: string, alteration: TableAlteration): string {
  const alter = `ALTER TABLE ${quoteIdentifier(table)}`;
  switch (alteration.type) {
    case "rename":
      return `${alter} RENAME COLUMN ${quoteIdentifier(alteration.from)} TO ${quoteIdentifier(alteration.to)}`;
    case "drop":
      return `${alter} DROP COLUMN ${quoteIdentifier(alteration.column)}`;
    case "add":
      return `${alter} ADD COLUMN ${alteration.definition}`;
  }
}

function sameTokens(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((token, index) => token === right[index]);
}
