import type { RowChange } from "../tape/tape-change.js";
import { sameValue } from "../values/same-value.js";
import type { SqlRow, SqlValue } from "../values/sql-value.js";
import type { RowStep } from "./compare-table.js";
import { deletionOf, insertOf, updateOf } from "./row-difference.js";
import { identityOf, type RowIdentity } from "./row-identity.js";
import type { TableLayout } from "./table-layout.js";

/** How many rows are known by what, by digest. */
type Counts = Map<string, number>;

/** An image and what its row is known by. */
interface KnownRow {
  readonly image: SqlRow;
  readonly id: RowIdentity;
}

/** What became of a row. */
type Fate =
  | { readonly type: "deleted"; readonly before: SqlRow }
  | { readonly type: "inserted"; readonly after: SqlRow }
  | { readonly type: "stayed"; readonly before: SqlRow; readonly after: SqlRow }
  /** The two ends of a move, by what the row is known by. */
  | { readonly type: "left"; readonly digest: string; readonly before: SqlRow }
  | { readonly type: "arrived"; readonly digest: string; readonly after: SqlRow };

/**
 * The rows that differ of a table that is not stored by its key, or has none: a row may have left its place and be at another
 * one. Goes through `steps` several times, and keeps what rows are known by that left their places, but not those that came.
 */
export function* pairRows(layout: TableLayout, steps: () => Iterable<RowStep>): Generator<RowChange, void> {
  const { shape } = layout;
  const moved = findMoved(layout, steps);
  if (moved === undefined) {
    for (const step of steps()) {
      if (step.side === "after") yield insertOf(shape, step.after());
      else yield* updateOf(shape, step.before(), step.after());
    }
    return;
  }
  const left = new Map<string, SqlRow>();
  for (const fate of fatesOf(layout, steps, moved)) {
    if (fate.type === "deleted") yield deletionOf(shape, fate.before);
    else if (fate.type === "left") left.set(fate.digest, fate.before);
  }
  for (const fate of fatesOf(layout, steps, moved)) {
    if (fate.type === "inserted") yield insertOf(shape, fate.after);
    else if (fate.type === "stayed") yield* updateOf(shape, fate.before, fate.after);
    else if (fate.type === "arrived") yield* updateOf(shape, left.get(fate.digest) ?? fate.after, fate.after);
  }
}

/** What became of rows that left their places, by what they are known by. */
interface MovedRows {
  /** How many are at other places. */
  readonly counts: ReadonlyMap<string, number>;
  /** Keys that there still are. Where the key is another than before, several rows may have become one. */
  readonly keptKeys: ReadonlySet<string>;
}

/** Undefined: none left its place. */
function findMoved(layout: TableLayout, steps: () => Iterable<RowStep>): MovedRows | undefined {
  const left: Counts = new Map();
  for (const step of steps()) {
    const { before } = rowsOf(layout, step);
    if (before !== undefined) count(left, before.id);
  }
  if (left.size === 0) return undefined;
  const counts: Counts = new Map();
  const keptKeys = new Set<string>();
  for (const step of steps()) {
    if (step.side === "before") continue;
    const id = rowsOf(layout, step).after?.id ?? identityOf(step.after(), layout);
    const leftCount = left.get(id.digest) ?? 0;
    if (leftCount === 0) continue;
    if (id.isKey) keptKeys.add(id.digest);
    if (rowsOf(layout, step).after !== undefined && leftCount > (counts.get(id.digest) ?? 0))
      count(counts, id);
  }
  return { counts, keptKeys };
}

function* fatesOf(
  layout: TableLayout,
  steps: () => Iterable<RowStep>,
  { counts, keptKeys }: MovedRows,
): Generator<Fate, void> {
  const leaving = new Map(counts);
  const arriving = new Map(counts);
  const settledKeys = new Set(keptKeys);
  for (const step of steps()) {
    const { before, after } = rowsOf(layout, step);
    if (before === undefined && after === undefined) {
      yield { type: "stayed", before: step.before(), after: step.after() };
      continue;
    }
    const hasLeft = before !== undefined && take(leaving, before.id);
    const hasArrived = after !== undefined && take(arriving, after.id);
    if (
      before !== undefined &&
      after !== undefined &&
      !hasLeft &&
      !hasArrived &&
      isSameRow(layout, before, after)
    ) {
      yield { type: "stayed", before: before.image, after: after.image };
      continue;
    }
    // What is known by all of its values is the same wherever it is: nothing is to be told.
    if (before !== undefined && !hasLeft) {
      if (!settledKeys.has(before.id.digest)) yield { type: "deleted", before: before.image };
      if (before.id.isKey) settledKeys.add(before.id.digest);
    } else if (before?.id.isKey) yield { type: "left", digest: before.id.digest, before: before.image };
    if (after !== undefined && !hasArrived) yield { type: "inserted", after: after.image };
    else if (after?.id.isKey) yield { type: "arrived", digest: after.id.digest, after: after.image };
  }
}

/** The rows of a step; none if they are one, which has kept its place and its key. */
function rowsOf(
  layout: TableLayout,
  step: RowStep,
): { readonly before: KnownRow | undefined; readonly after: KnownRow | undefined } {
  const known = (image: SqlRow): KnownRow => ({ image, id: identityOf(image, layout) });
  const before = step.side === "after" ? undefined : known(step.before());
  const after = step.side === "before" ? undefined : known(step.after());
  if (before?.id.isKey && after?.id.isKey && before.id.digest === after.id.digest)
    return { before: undefined, after: undefined };
  return { before, after };
}

/** Whether rows without a key, at the same rowid, are one row before and after: else they would have nothing in common. */
function isSameRow({ shape }: TableLayout, before: KnownRow, after: KnownRow): boolean {
  if (before.id.isKey || after.id.isKey) return false;
  const first = shape.key.type === "rowid" ? 1 : 0;
  return before.image.some(
    (value, index) => index >= first && value !== null && sameValue(value, after.image[index] as SqlValue),
  );
}

function count(counts: Counts, { digest }: RowIdentity): void {
  counts.set(digest, (counts.get(digest) ?? 0) + 1);
}

function take(counts: Counts, { digest }: RowIdentity): boolean {
  const left = counts.get(digest) ?? 0;
  if (left > 0) counts.set(digest, left - 1);
  return left > 0;
}
