import type { RowChange } from "../tape/tape-change.js";
import type { SqlRow } from "../values/sql-value.js";
import { alignRows, type RowSide, unalignedRows } from "./align-rows.js";
import type { ColumnMap } from "./column-map.js";
import type { ImagePages } from "./image-pages.js";
import type { CellPlace } from "./image-trees.js";
import { pairRows } from "./pair-rows.js";
import { RowCursor, sameBytes } from "./row-cursor.js";
import { deletionOf, insertOf, updateOf } from "./row-difference.js";
import { RowImages } from "./row-images.js";
import type { TableLayout } from "./table-layout.js";

/** One state of a table. */
export interface TableSide {
  readonly pages: ImagePages;
  readonly layout: TableLayout;
  /** Where rows are that the other state may not have, in the order of the tree. Anew with each call. */
  readonly places: () => Iterable<CellPlace>;
}

/** Both states of a table. */
export interface TablePair {
  readonly before: TableSide;
  readonly after: TableSide;
  /** Which columns are the same ones. */
  readonly columns: ColumnMap;
  /** Whether what long rows go on in, from a page on, is the same in both states. */
  readonly keepsChain: (firstPage: number) => boolean;
}

/** Rows of two states at one place. Of use until the next step. */
export interface RowStep {
  readonly side: RowSide;
  /** In the shape that the table has after; only where there is one. */
  before(): SqlRow;
  after(): SqlRow;
}

/** The rows of a table that differ, deletions first. */
export function* compareTable(pair: TablePair): Generator<RowChange, void> {
  const { layout } = pair.after;
  if (!isStoredByKey(pair)) {
    yield* pairRows(layout, () => steps(pair));
    return;
  }
  const { shape } = layout;
  for (const step of steps(pair, "before")) yield deletionOf(shape, step.before());
  for (const step of steps(pair)) {
    if (step.side === "after") yield insertOf(shape, step.after());
    else if (step.side === "both") yield* updateOf(shape, step.before(), step.after());
  }
}

/** All rows of a table that was not there before. */
export function* rowsOfNewTable(table: TableSide): Generator<RowChange, void> {
  const { pages, layout, places } = table;
  const cursor = new RowCursor(pages, places(), layout.isIndex);
  const images = RowImages.of(layout);
  const key = layout.isIndex ? layout.key : undefined;
  const rows = hasKnownOrder(table) ? alignRows(undefined, cursor, key) : unalignedRows(undefined, cursor);
  for (const _ of rows) yield insertOf(layout.shape, images.read(cursor));
}

/** Goes through both states; rows with the same bytes are passed over, and sides other than `only`. */
function* steps(pair: TablePair, only?: RowSide): Generator<RowStep, void> {
  const { before, after, columns, keepsChain } = pair;
  const left = new RowCursor(before.pages, before.places(), before.layout.isIndex);
  const right = new RowCursor(after.pages, after.places(), after.layout.isIndex);
  const leftImages = new RowImages(before.layout, after.layout, columns.sources);
  const rightImages = RowImages.of(after.layout);
  const step = {
    side: "both" as RowSide,
    before: () => leftImages.read(left),
    after: () => rightImages.read(right),
  };
  for (const side of sidesOf(pair, left, right)) {
    if (only !== undefined && side !== only) continue;
    if (side === "both" && columns.keepsBytes && sameBytes(left, right, keepsChain)) continue;
    step.side = side;
    yield step;
  }
}

function sidesOf(pair: TablePair, left: RowCursor, right: RowCursor): Iterable<RowSide> {
  const { before, after } = pair;
  if (!before.layout.isIndex && !after.layout.isIndex) return alignRows(left, right, undefined);
  if (hasOneOrder(pair)) return alignRows(left, right, after.layout.key);
  return unalignedRows(left, right);
}

/** Whether rows with the same key are found side by side, since that is what both states are ordered by. */
function isStoredByKey(pair: TablePair): boolean {
  const { before, after, columns } = pair;
  if (!before.layout.keyIsRowid || !after.layout.keyIsRowid) return hasOneOrder(pair);
  return columns.sources[rowidColumn(after.layout)] === rowidColumn(before.layout);
}

function rowidColumn({ columns }: TableLayout): number {
  return columns.findIndex(({ position }) => position === undefined);
}

/** Whether both are indexes in the same order, which can be told here. */
function hasOneOrder({ before, after, columns: { sources } }: TablePair): boolean {
  const [one, other] = [before.layout, after.layout];
  return (
    one.isIndex &&
    other.isIndex &&
    hasKnownOrder(before) &&
    one.key.length === other.key.length &&
    other.key.every(({ column, collation, descending }, index) => {
      const term = one.key[index];
      return (
        term?.collation === collation && term?.descending === descending && sources[column] === term?.column
      );
    })
  );
}

/** Whether it can be told here in which order its rows are stored: texts in UTF-16, and by unknown collations, cannot. */
function hasKnownOrder({ pages, layout: { isIndex, key } }: TableSide): boolean {
  if (!isIndex) return true;
  return (
    pages.encoding === 1 &&
    key.every(({ collation, descending }) => collation !== undefined && (pages.hasDescending || !descending))
  );
}
