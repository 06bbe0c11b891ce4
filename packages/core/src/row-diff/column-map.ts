import { foldName } from "../capture/schema-row.js";
import { sameValue } from "../values/same-value.js";
import type { StoredColumn, TableLayout } from "./table-layout.js";

/** Which columns of a table are the same before and after. */
export interface ColumnMap {
  /** For each column after, the index of the one before; undefined: it is new. */
  readonly sources: readonly (number | undefined)[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /**
   * Whether the same bytes are the same row: then rows that were not written are the same, and need not be read. Not so where
   * values stand at other places, are read another way, or have another default, nor where the key is another.
   */
  readonly keepsBytes: boolean;
}

/** Compares two forms of a table. */
export function mapColumns(before: TableLayout, after: TableLayout): ColumnMap {
  const indexOf = new Map(before.columns.map(({ name }, index) => [foldName(name), index]));
  const named = after.columns.map(({ name }) => indexOf.get(foldName(name)));
  const sources = named.some((source, index) => source !== index) ? withRenamed(before, after, named) : named;
  const renamed = after.columns.flatMap(({ name }, index) => {
    const from = named[index] === undefined ? before.columns[sources[index] ?? -1] : undefined;
    return from === undefined ? [] : [{ from: from.name, to: name }];
  });
  const keepsBytes =
    before.isIndex === after.isIndex &&
    hasSameKey(before, after, sources) &&
    after.columns.every((column, index) => {
      const source = before.columns[sources[index] ?? -1];
      if (source !== undefined) return isStoredAlike(source, column);
      return column.position !== undefined && column.position >= before.width;
    });
  return { sources, renamed, keepsBytes };
}

/** Rows that differ in the key of one of them may not in that of the other. */
function hasSameKey(
  before: TableLayout,
  after: TableLayout,
  sources: readonly (number | undefined)[],
): boolean {
  return (
    before.key.length === after.key.length &&
    after.key.every(({ column, collation }, index) => {
      const term = before.key[index];
      return term !== undefined && sources[column] === term.column && collation === term.collation;
    })
  );
}

function isStoredAlike(before: StoredColumn, after: StoredColumn): boolean {
  return (
    before.position === after.position &&
    before.isReal === after.isReal &&
    sameValue(before.missing, after.missing)
  );
}

/**
 * A column that is new, where one is gone that looked the same, between columns that stayed, is that one under another name:
 * ALTER TABLE adds columns at the end only, so at any other place it can be nothing else.
 */
function withRenamed(
  before: TableLayout,
  after: TableLayout,
  named: readonly (number | undefined)[],
): readonly (number | undefined)[] {
  const stayed = new Set(named);
  const sources = [...named];
  let at = 0;
  for (const [index, { definition }] of after.columns.entries()) {
    const source = named[index];
    if (source !== undefined) {
      if (source < at) return named;
      at = source + 1;
      continue;
    }
    for (let gone = at; gone < before.columns.length && !stayed.has(gone); gone++) {
      if (before.columns[gone]?.definition !== definition) continue;
      sources[index] = gone;
      at = gone + 1;
      break;
    }
  }
  return sources;
}
