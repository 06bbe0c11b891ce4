import type { SchemaRow } from "../capture/schema-row.js";
import type { TableShape } from "../capture/table-shape.js";
import type { RowChange } from "../tape/tape-change.js";

/** What led from one image of a database to another, told by rows: page layout, indexes and free pages are no difference. */
export interface ImageDifference {
  readonly before: ImageSchema;
  readonly after: ImageSchema;
  /**
   * Tables that may have rows that differ, in the order of the schema after; a table that is only in `before` is not among
   * them, one that is only in `after` comes with all its rows. Virtual tables have no rows of their own, but shadow tables
   * that do. Left out are `sqlite_schema` and statistics (`sqlite_stat1` …); `sqlite_sequence` is among them.
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
   * The rows, each once: found by comparing, so a row that was moved from page to page is none, and one that was deleted and
   * inserted with the same key is an update. `changeId` is 0 and `parked` false. Read while they are asked for, so a large
   * difference takes little memory. Throws `ImageDamage`.
   */
  rows(): Iterable<RowChange>;
}

/** The pages are not those of an intact database: nothing that was read of them can be relied on. */
export class ImageDamage extends Error {
  override readonly name = "ImageDamage";
}
