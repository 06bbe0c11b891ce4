import type { TableShape } from "./table-shape.js";

/** One term of a unique index: a column, or an expression over columns as SQL text. */
export type UniqueTerm =
  | { readonly column: string; readonly collation: string }
  | { readonly expression: string; readonly collation: string };

/** A UNIQUE constraint or index other than the key. */
export interface UniqueIndex {
  readonly name: string;
  readonly terms: readonly UniqueTerm[];
  /** The condition of a partial index. */
  readonly where: string | undefined;
}

/** A table whose changes are captured, with what its triggers must know beyond its shape. */
export interface CapturedTable {
  readonly shape: TableShape;
  /** A name for the rowid that no column shadows; `undefined` where there is none. */
  readonly rowidName: string | undefined;
  /** Names under which a statement may set the rowid where it is the key, so that a change of key is noticed. */
  readonly rowidNames: readonly string[];
  readonly uniqueIndexes: readonly UniqueIndex[];
  /** Some unique index depends on columns in a way that names do not tell: expressions, generated columns, conditions. */
  readonly opaqueIndexes: boolean;
}

/** A table that cannot be captured. Writing to it must fail: a pull would lose what was written. */
export interface RefusedTable {
  readonly table: string;
  readonly reason: string;
}
