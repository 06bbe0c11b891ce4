import { imageWidth } from "../capture/table-shape.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { ImageRecord } from "./record.js";
import type { RowCursor } from "./row-cursor.js";
import type { StoredColumn, TableLayout } from "./table-layout.js";

/** Reads rows as images of a shape (see `TableShape`). */
export class RowImages {
  readonly #layout: TableLayout;
  readonly #sources: readonly (StoredColumn | SqlValue)[];
  readonly #hasAlias: boolean;

  /**
   * Of rows stored as `layout` says, in the shape of `after`: `sources` names for each of its columns the one of `layout`.
   * What is missing has the default that it has in `after`.
   */
  constructor(layout: TableLayout, after: TableLayout, sources: readonly (number | undefined)[]) {
    this.#layout = layout;
    this.#sources = after.columns.map(
      ({ missing }, index) => layout.columns[sources[index] ?? -1] ?? missing,
    );
    this.#hasAlias = imageWidth(after.shape) > after.columns.length;
  }

  /** Of rows as they are stored. */
  static of(layout: TableLayout): RowImages {
    return new RowImages(
      layout,
      layout,
      layout.columns.map((_, index) => index),
    );
  }

  read(cursor: RowCursor): SqlRow {
    const { record } = cursor;
    const image: SqlValue[] = [];
    // Where a table had no rowids before, none of its rows is known by one.
    if (this.#hasAlias) image.push(this.#layout.isIndex ? 0n : cursor.rowid);
    for (const source of this.#sources)
      image.push(isColumn(source) ? columnValue(source, record, cursor) : source);
    return image;
  }
}

function isColumn(source: StoredColumn | SqlValue): source is StoredColumn {
  return typeof source === "object" && source !== null && "position" in source;
}

function columnValue(
  { position, missing, isReal }: StoredColumn,
  record: ImageRecord,
  cursor: RowCursor,
): SqlValue {
  if (position === undefined) return cursor.rowid;
  if (position >= record.length) return missing;
  const value = record.value(position);
  return isReal && typeof value === "bigint" ? Number(value) : value;
}

/** Whether two images have the same values. */
export function sameImage(left: SqlRow, right: SqlRow): boolean {
  return left.every((value, index) => sameValue(value, right[index] as SqlValue));
}
