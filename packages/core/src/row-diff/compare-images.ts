import { PageDamage } from "../sqlite-format/page-source.js";
import { PUSH_POSITION_TABLE, RESERVED_PREFIX } from "../tape/tape-schema.js";
import { mapColumns } from "./column-map.js";
import { compareTable, rowsOfNewTable, type TableSide } from "./compare-table.js";
import { tellingDamage, tellingDamageOf } from "./damage.js";
import type { DatabaseImage } from "./database-image.js";
import type { ImageDifference, ImageSchema, TableDifference } from "./image-difference.js";
import type { SchemaEntry } from "./image-schema.js";
import { type ImageState, readImageState } from "./image-state.js";
import type { CellPlace } from "./image-trees.js";
import { findRenamedTables } from "./pair-tables.js";
import type { ScratchSql } from "./scratch-sql.js";
import { ScratchTables } from "./scratch-tables.js";
import { findShadowTables } from "./shadow-tables.js";
import { WrittenPages } from "./written-pages.js";

/** What is compared. */
export interface CompareImagesOptions {
  /** Undefined, or without pages: an empty database. */
  readonly before: DatabaseImage | undefined;
  readonly after: DatabaseImage;
  /** Numbers of all pages (from 1) that were written in between, whatever with; more do no harm. Undefined: all pages. */
  readonly changedPages: ReadonlySet<number> | undefined;
  /** Gives a fresh one with each call. It is needed during the call only, not while rows are read. */
  readonly scratch: () => ScratchSql;
}

const EMPTY: ImageSchema = { rows: [], userVersion: 0, applicationId: 0 };

/**
 * Tells by rows what led from one image of a database to another. The cost follows what has changed: of the pages with rows,
 * those are read that were written, and of the others the interior pages of all trees. Both images must stay as they are
 * as long as rows are read. Throws `ImageDamage`, and what reading pages throws.
 */
export function compareImages(options: CompareImagesOptions): ImageDifference {
  return tellingDamage(() => {
    const before = options.before?.size ? readImageState(options.before) : undefined;
    if (options.after.size === 0)
      return { before: before?.schema ?? EMPTY, after: EMPTY, renamedTables: [], tables: [] };
    const scratch = new ScratchTables(options.scratch);
    if (before === undefined) return differenceToNothing(readImageState(options.after), scratch);
    const { changedPages } = options;
    const known = changedPages === undefined ? undefined : { trees: before.trees, changedPages };
    const after = readImageState(options.after, known);
    return differenceOf(before, after, changedPages, scratch);
  });
}

function differenceToNothing(after: ImageState, scratch: ScratchTables): ImageDifference {
  const shadows = findShadowTables(after.schema.rows);
  const tables = visibleTables(after).map(([name, entry]) =>
    newTable(after, entry, shadows.get(name), scratch),
  );
  return { before: EMPTY, after: after.schema, renamedTables: [], tables };
}

function differenceOf(
  before: ImageState,
  after: ImageState,
  changedPages: ReadonlySet<number> | undefined,
  scratch: ScratchTables,
): ImageDifference {
  if (before.tables.size > 0 && before.pages.encoding !== after.pages.encoding)
    throw new PageDamage("texts in another encoding than before");
  const written = new WrittenPages(before, after, changedPages);
  const { keepsChain } = written;
  const renamed = findRenamedTables(before, after, scratch);
  const shadows = findShadowTables(after.schema.rows);
  const tables: TableDifference[] = [];
  for (const [name, entry] of visibleTables(after)) {
    const old = before.tables.get(name) ?? renamed.get(name);
    if (old === undefined) tables.push(newTable(after, entry, shadows.get(name), scratch));
    else if (old.sql !== entry.sql || written.hasAny(old.root, entry.root)) {
      const [one, other] = [scratch.layoutOf(old), scratch.layoutOf(entry)];
      const columns = mapColumns(one, other);
      const all = !columns.keepsBytes;
      const left: TableSide = {
        pages: before.pages,
        layout: one,
        places: () => written.before(old.root, entry.root, one.isIndex, all),
      };
      const right: TableSide = {
        pages: after.pages,
        layout: other,
        places: () => written.after(entry.root, old.root, other.isIndex, all),
      };
      tables.push({
        shape: other.shape,
        shadowOf: shadows.get(name),
        renamedColumns: columns.renamed,
        rows: () => tellingDamageOf(compareTable({ before: left, after: right, columns, keepsChain })),
      });
    }
  }
  const renamedTables = [...renamed].map(([name, { name: from }]) => ({
    from,
    to: after.tables.get(name)?.name ?? name,
  }));
  return { before: before.schema, after: after.schema, renamedTables, tables };
}

function newTable(
  { pages, trees }: ImageState,
  entry: SchemaEntry,
  shadowOf: string | undefined,
  scratch: ScratchTables,
): TableDifference {
  const layout = scratch.layoutOf(entry);
  const places = (): Iterable<CellPlace> => trees.places(entry.root, layout.isIndex, () => true);
  return {
    shape: layout.shape,
    shadowOf,
    renamedColumns: [],
    rows: () => tellingDamageOf(rowsOfNewTable({ pages, layout, places })),
  };
}

/** Tables that are told of. */
function visibleTables({ tables }: ImageState): (readonly [string, SchemaEntry])[] {
  return [...tables].filter(
    ([name]) =>
      name === "sqlite_sequence" ||
      !(name.startsWith("sqlite_") || name.startsWith(RESERVED_PREFIX) || name === PUSH_POSITION_TABLE),
  );
}
