import type { TableShape } from "../capture/table-shape.js";
import type { SqlValue } from "../values/sql-value.js";

/** Where the value of a column is. */
export interface StoredColumn {
  readonly name: string;
  /** What a column that is the same under another name has as well: type, whether it may be NULL, default, place in the key. */
  readonly definition: string;
  /** In the record of a row; undefined: it is the rowid. */
  readonly position: number | undefined;
  /** Numbers are reals, also those that are stored as integers, which take less room. */
  readonly isReal: boolean;
  /** Its value in rows that were stored before the column was added. */
  readonly missing: SqlValue;
}

/** One column of a key, by which it is ordered and told apart. */
export interface KeyTerm {
  /** Its index in `shape.columns`. */
  readonly column: number;
  /** In lower case; undefined: one that is not known here. */
  readonly collation: string | undefined;
  readonly descending: boolean;
}

/** How the rows of a table are stored. */
export interface TableLayout {
  readonly shape: TableShape;
  /** As `shape.columns`. */
  readonly columns: readonly StoredColumn[];
  /** How many values a row has that was stored with all columns of the table. */
  readonly width: number;
  /** WITHOUT ROWID: the table is an index, ordered by its key. */
  readonly isIndex: boolean;
  /** Its key is the rowid under the name of a column. */
  readonly keyIsRowid: boolean;
  /** In the order of the key; none where there is no key that has a name. */
  readonly key: readonly KeyTerm[];
}
