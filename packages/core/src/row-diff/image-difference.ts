import type { SchemaRow } from "../capture/schema-row.js";
import type { TableShape } from "../capture/table-shape.js";
import type { RowChange } from "../tape/tape-change.js";

/** What led from one image of a database to another, told by rows: page layout, indexes and free pages are no difference. */
export interface ImageDifference {
  readonly before: ImageSchema;
  readonly after: ImageSchema;
  /**
   * Ordinary tables whose name before is gone, and which have another one after that was not there before: known by their
   * root page. Their rows are compared as those of one table, so what merges them must rename the table as well.
   */
  readonly renamedTables: readonly { readonly from: string; readonly to: string }[];
  /**
   * Tables that may have rows that differ, or that were altered, in the order of the schema after; a table that is only in
   * `before` is not among them, one that is only in `after` comes with all its rows. Virtual tables have no rows of their
   * own, but shadow tables that do. Left out are `sqlite_schema`, statistics (`sqlite_stat1` …), and the tables of Tributary
   * and of the push protocol; `sqlite_sequence` is among them, with `name` for its key.
   */
  readonly tables: readonly TableDifference[];
}

/** What page 1 and `sqlite_schema` say. */
export interface ImageSchema {
  /** In the order of `sqlite_schema`. */
  readonly rows: readonly SchemaRow[];
  readonly userVersion: number;
  readonly applicationId: number;
}

/** The rows of one table that differ. */
export interface TableDifference {
  /** As the table is after. Values of rows before are brought into this shape by column name; what is missing has its default. */
  readonly shape: TableShape;
  /** The virtual table that keeps its content in this one; undefined: it is an ordinary table. */
  readonly shadowOf: string | undefined;
  /**
   * Columns that have another name after. Their values are compared as those of one column, so what merges them must rename
   * the column as well.
   */
  readonly renamedColumns: readonly { readonly from: string; readonly to: string }[];
  /**
   * The rows, deletions first, and then the others in the order they are stored in; each once. They are found by comparing,
   * so a row that was moved from page to page is none, one that was deleted and inserted with the same key is an update, and
   * one whose key is another is a deletion and an insert. Of a table without a key, a row with the same values at another
   * rowid is the same row, and one at the same rowid with no value in common is another one.
   *
   * `changeId` is 0 and `parked` false. Read while they are asked for, anew with every call; memory is taken for rows that
   * are gone from where they were, in tables whose key is not what they are stored by, and for nothing else. Throws
   * `ImageDamage`, and what reading pages throws.
   */
  rows(): Iterable<RowChange>;
}

/** The pages are not those of an intact database: nothing that was read of them can be relied on. */
export class ImageDamage extends Error {
  override readonly name = "ImageDamage";
}
