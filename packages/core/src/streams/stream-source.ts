import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { ChangePackage } from "./change-package.js";
import { decodeChangePackage } from "./package-binary.js";
import { STREAM_TABLES } from "./stream-schema.js";

/** What is known here of a sender. */
export interface StreamSource {
  /** What is applied; `undefined`: nothing yet. */
  readonly applied: { readonly epoch: number; readonly cursor: number } | undefined;
  /** The newest change of this site that the sender has said to have. */
  readonly heard: number;
  /** The newest of the packages that wait for the rest. */
  readonly waiting: { readonly number: number; readonly change: ChangePackage } | undefined;
}

/** Reads what is known of a sender. */
export function* readSource(site: string): Coroutine<StreamSource> {
  const [row] = yield* io.querySql(
    "writer",
    `SELECT epoch, cursor, heard FROM main.${STREAM_TABLES.source} WHERE site = ?`,
    [site],
  );
  const [part] = yield* io.querySql(
    "writer",
    `SELECT number, payload FROM main.${STREAM_TABLES.part} WHERE site = ? ORDER BY number DESC LIMIT 1`,
    [site],
  );
  const payload = part?.[1] as Uint8Array | undefined;
  return {
    applied: row && { epoch: Number(row[0]), cursor: Number(row[1]) },
    heard: Number(row?.[2] ?? 0),
    waiting: payload && { number: Number(part?.[0]), change: decodeChangePackage(payload) },
  };
}

/** Where the next package is to begin; `undefined`: nothing is here yet, and a snapshot is welcome. */
export function positionOf({
  applied,
  waiting,
}: StreamSource): { epoch: number; cursor: number } | undefined {
  if (waiting === undefined || waiting.change.snapshot !== undefined) return applied;
  return { epoch: waiting.change.epoch, cursor: waiting.change.to };
}

/** What is to become of a package: `begin` is the first part of a snapshot, with which all that waits is void. */
export type Reception = "next" | "begin" | "repeat";

/**
 * Whether a package is the next one. One that overlaps what is here is refused too: it was cut anew, and where the changes
 * begin that are new is not told. Fails with `stream-gap` and `stream-restarted`.
 *
 * @param since Where the first package may begin.
 */
export function judgePackage(change: ChangePackage, source: StreamSource, since: number): Reception {
  return change.snapshot === undefined
    ? judgeChanges(change, source, since)
    : judgePart(change, change.snapshot.part, source);
}

function judgeChanges(
  { site, epoch, from, to }: ChangePackage,
  source: StreamSource,
  since: number,
): Reception {
  const position = positionOf(source);
  if (position !== undefined && position.epoch !== epoch) throw restarted(site);
  const cursor = position?.cursor ?? since;
  const isSnapshotUnderWay = source.waiting?.change.snapshot !== undefined;
  if (from === cursor && to > from) return isSnapshotUnderWay ? "begin" : "next";
  if (position !== undefined && to <= cursor) return "repeat";
  throw gap(site, `begins at ${from}`, cursor);
}

function judgePart(change: ChangePackage, part: number, { applied, waiting }: StreamSource): Reception {
  const { site, epoch, to } = change;
  if (applied?.epoch === epoch && to <= applied.cursor) return "repeat";
  if (part === 0) return "begin";
  const known = waiting?.change;
  if (known?.snapshot !== undefined && known.epoch === epoch && known.to === to) {
    if (part <= known.snapshot.part) return "repeat";
    if (part === known.snapshot.part + 1) return "next";
  }
  throw gap(site, `is part ${part} of a snapshot`, applied?.cursor ?? 0);
}

function gap(site: string, what: string, expectedCursor: number): SyncError {
  return new SyncError(
    "stream-gap",
    `The package of ${site} ${what}, and the next one here is to begin at ${expectedCursor}. Have that sent.`,
    { expectedCursor },
  );
}

function restarted(site: string): SyncError {
  return new SyncError(
    "stream-restarted",
    `The cursors of ${site} have begun anew since the last package. Have a snapshot sent.`,
  );
}
