/**
 * What the values of a captured row are: stored as JSON in `tributary_shape` at the time of the capture, so that a
 * change can be read whatever happened to the table since. Values are mapped by name, never by position.
 */
export interface TableShape {
  readonly table: string;
  /** Stored columns, in table order; generated columns are left out. */
  readonly columns: readonly string[];
  readonly key: ShapeKey;
}

/** What identifies a row. */
export type ShapeKey =
  /**
   * The primary key. `nullable` when a part may be NULL (SQLite allows it in rowid tables whose key is not
   * INTEGER PRIMARY KEY and not declared NOT NULL).
   */
  | { readonly type: "columns"; readonly columns: readonly string[]; readonly nullable: boolean }
  /**
   * No primary key: the rowid, by a name that no column shadows (`rowid`, `_rowid_` or `oid`). Every image of such a
   * row has the rowid as its first value, before those of `columns`.
   */
  | { readonly type: "rowid"; readonly alias: string };

/** Number of values in one image of a row. */
export function imageWidth(shape: TableShape): number {
  return shape.columns.length + (shape.key.type === "rowid" ? 1 : 0);
}

/** Names of the values of one image: the columns, preceded by the rowid's alias where there is no key. */
export function imageColumns(shape: TableShape): readonly string[] {
  return shape.key.type === "rowid" ? [shape.key.alias, ...shape.columns] : shape.columns;
}
