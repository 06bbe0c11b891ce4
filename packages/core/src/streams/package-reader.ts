import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { nextBoundary, readSavedBoundaries } from "../engine/tape-boundaries.js";
import { parseTapeRow, type Shapes } from "../tape/read-tape.js";
import type { TapeChange } from "../tape/tape-change.js";
import { rowBytes } from "../tape/tape-cursor.js";
import { TAPE_EFFECT } from "../tape/tape-schema.js";
import type { ChangeGroup, StreamChange } from "./change-package.js";
import { OriginRanges, type OriginSegment } from "./origin-ranges.js";
import { StreamRows } from "./stream-rows.js";
import type { StreamState } from "./stream-state.js";

/** What a group costs beside its changes, in bytes, about: so that a package of nothing but groups ends, too. */
const GROUP_BYTES = 16;

/** What of the tape goes into a package. */
export interface PackageFilter {
  readonly site: string;
  /** The receiver: what came from it does not go back. `undefined`: it is not known. */
  readonly to: string | undefined;
  readonly excludeOrigins: ReadonlySet<string>;
  readonly localOnly: boolean;
  readonly maxBytes: number;
}

/** Changes for one package: those in `(from, to]` but for what the filter leaves out. */
export interface PackageContent {
  readonly to: number;
  readonly endsTransaction: boolean;
  readonly groups: readonly ChangeGroup[];
}

interface OpenGroup {
  readonly origin: string;
  originCursor: number;
  readonly isWithheld: boolean;
  readonly changes: StreamChange[];
}

/**
 * Reads the changes above a cursor, until they are about as large as a package may be; `undefined` when there is nothing to
 * tell. Ends where a transaction does, unless the transaction alone is larger.
 *
 * Groups are cut at the ends of own transactions, and where what came from elsewhere was cut.
 */
export function* readPackage(
  from: number,
  state: StreamState,
  shapes: Shapes,
  filter: PackageFilter,
): Coroutine<PackageContent | undefined> {
  const boundaries = yield* readBoundaries(from - state.base);
  const ranges = new OriginRanges(from, state.end);
  const rows = new StreamRows(from, state, shapes, filter.maxBytes);
  const groups: OpenGroup[] = [];
  /** Where the newest transaction ended, and how many groups there were. */
  let whole: { readonly to: number; readonly groups: number } | undefined;
  let to = from;
  let bytes = 0;
  let leftOut = false;
  const endsAt = (cursor: number, ends: boolean | undefined): boolean => {
    if (cursor === state.end) return true;
    return ends ?? nextBoundary(boundaries, cursor - state.base) === cursor - state.base;
  };
  const isFull = (): boolean => bytes >= filter.maxBytes;

  let segment = yield* ranges.next();
  for (; segment !== undefined && !isFull(); segment = yield* ranges.next()) {
    const { origin, via, originCursor } = segment;
    const row = yield* rows.peek();
    const cameFromThere = via !== undefined && via === filter.to;
    const isExcluded =
      filter.excludeOrigins.has(origin ?? filter.site) || (cameFromThere && origin === filter.to);
    const isDropped = origin !== undefined && (filter.localOnly || (cameFromThere && !isExcluded));
    const isWithheld = !isDropped && isExcluded;
    if (isDropped || isWithheld) {
      const isEmpty = origin === undefined && (row === undefined || row.cursor > segment.to);
      if (isWithheld && !isEmpty) withhold(groups, origin ?? filter.site, originCursor);
      leftOut ||= !isEmpty;
      bytes += GROUP_BYTES;
      rows.skipTo(segment.to);
      to = segment.to;
      if (endsAt(to, row?.cursor === to ? row.ends : undefined)) whole = { to, groups: groups.length };
      continue;
    }
    let group: OpenGroup | undefined;
    for (let next = row; next !== undefined && next.cursor <= segment.to; next = yield* rows.peek()) {
      const isEffect = Number(next.row[2]) >= TAPE_EFFECT;
      // Never between a change and its effects, which follow it.
      if (isFull() && !isEffect) break;
      rows.take();
      to = next.cursor;
      if (isEffect) {
        if (origin === undefined && group !== undefined) group.originCursor = to;
        if (!endsAt(to, next.ends)) continue;
        whole = { to, groups: groups.length };
        group = undefined;
        continue;
      }
      if (group === undefined) {
        group = openGroup(segment, filter.site);
        groups.push(group);
        bytes += GROUP_BYTES;
      }
      group.changes.push(streamChangeOf(parseTapeRow(next.row, shapes)));
      if (origin === undefined) group.originCursor = to;
      bytes += rowBytes(next.row);
      if (!endsAt(to, next.ends)) continue;
      whole = { to, groups: groups.length };
      group = undefined;
    }
    const rest = yield* rows.peek();
    if (rest !== undefined && rest.cursor <= segment.to) break;
    // What was applied from elsewhere and had no effect here is told all the same: its origin waits for it.
    if (origin !== undefined && group === undefined && originCursor > 0 && to < segment.to) {
      groups.push(openGroup(segment, filter.site));
      bytes += GROUP_BYTES;
    }
    to = segment.to;
    if (endsAt(to, undefined)) whole = { to, groups: groups.length };
  }
  if (groups.length === 0 && !leftOut) return undefined;
  if (to === state.end || whole?.to === to) return { to, endsTransaction: true, groups };
  if (whole === undefined) return { to, endsTransaction: false, groups };
  return { to: whole.to, endsTransaction: true, groups: groups.slice(0, whole.groups) };
}

/** Ids of the tape after which a transaction ended, at least those above an id. */
function* readBoundaries(after: number): Coroutine<readonly number[]> {
  const noted = yield* io.transactionBoundaries();
  const first = noted[0] ?? Number.POSITIVE_INFINITY;
  if (first <= after) return noted;
  const saved = yield* readSavedBoundaries();
  return [...saved.filter((id) => id < first), ...noted];
}

function openGroup({ origin, originCursor }: OriginSegment, site: string): OpenGroup {
  return { origin: origin ?? site, originCursor, isWithheld: false, changes: [] };
}

function withhold(groups: OpenGroup[], origin: string, originCursor: number): void {
  const last = groups.at(-1);
  if (last?.isWithheld && last.origin === origin)
    last.originCursor = Math.max(last.originCursor, originCursor);
  else groups.push({ origin, originCursor, isWithheld: true, changes: [] });
}

function streamChangeOf(change: TapeChange): StreamChange {
  switch (change.type) {
    case "schema":
      return { type: "schema", sql: change.sql };
    case "insert":
      return { type: "insert", shape: change.shape, after: change.after };
    case "update":
      return { type: "update", shape: change.shape, before: change.before, after: change.after };
    case "delete":
      return { type: "delete", shape: change.shape, before: change.before };
  }
}
