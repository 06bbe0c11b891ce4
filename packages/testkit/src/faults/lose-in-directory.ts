import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { SeededRandom } from "../random/seeded-random.js";

/** What was done to a file and is not durable. `before`: the bytes that were there. */
export type UnsyncedChange =
  | {
      readonly type: "write";
      readonly path: string;
      readonly offset: number;
      readonly bytes: Uint8Array;
      readonly before: Uint8Array;
      readonly sizeBefore: number;
    }
  | {
      readonly type: "truncate";
      readonly path: string;
      readonly size: number;
      readonly sizeBefore: number;
      readonly before: Uint8Array;
    }
  /** It was emptied. */
  | { readonly type: "empty"; readonly path: string; readonly before: Uint8Array }
  /** It was not there. */
  | { readonly type: "create"; readonly path: string }
  | { readonly type: "remove"; readonly path: string; readonly before: Uint8Array };

/** What a disk writes at once, as far as a torn write goes. */
const SECTOR = 512;

/**
 * Undoes changes, the newest first: all of them, or as `random` chooses for each: kept, undone, or, of a write, a part.
 * A range that somebody else has written to since is left alone. Returns how many changes were undone, wholly or partly.
 */
export function loseInDirectory(changes: readonly UnsyncedChange[], random?: SeededRandom): number {
  let undone = 0;
  for (const change of changes.toReversed()) {
    const fate = random === undefined ? "lost" : random.pick(["lost", "kept", "torn"] as const);
    if (fate === "kept") continue;
    undone++;
    undo(change, fate === "torn" ? random : undefined);
  }
  return undone;
}

function undo(change: UnsyncedChange, random: SeededRandom | undefined): void {
  const { path } = change;
  if (change.type === "remove") {
    // Somebody has made another one meanwhile.
    if (!existsSync(path)) writeFileSync(path, change.before);
    return;
  }
  if (!existsSync(path)) return;
  if (change.type === "create") rmSync(path);
  else if (change.type === "empty") writeFileSync(path, change.before);
  else if (change.type === "truncate") undoTruncate(change);
  else undoWrite(change, random);
}

function undoTruncate(change: UnsyncedChange & { readonly type: "truncate" }): void {
  const now = readFileSync(change.path);
  if (now.length !== Math.min(change.size, change.sizeBefore) && now.length !== change.size) return;
  const kept = now.subarray(0, Math.min(change.size, change.sizeBefore));
  writeFileSync(change.path, Buffer.concat([kept, change.before]));
}

function undoWrite(change: UnsyncedChange & { readonly type: "write" }, random?: SeededRandom): void {
  const { path, offset, bytes, before, sizeBefore } = change;
  const now = readFileSync(path);
  const [from, to] = random === undefined ? [0, bytes.length] : tornRange(bytes.length, random);
  for (let at = from; at < to; at += SECTOR) {
    const end = Math.min(at + SECTOR, to);
    const written = bytes.subarray(at, end);
    if (!now.subarray(offset + at, offset + end).equals(written)) continue;
    for (let index = at; index < end; index++) {
      if (offset + index < now.length) now[offset + index] = before[index] ?? 0;
    }
  }
  // The size is put back, unless somebody has gone on writing behind, or the file system kept the new size.
  const wasLast = now.length === offset + bytes.length && now.length > sizeBefore;
  const keepsSize = random?.chance(0.5) === true;
  const size =
    wasLast && to === bytes.length && !keepsSize ? Math.max(sizeBefore, offset + from) : now.length;
  writeFileSync(path, now.subarray(0, size));
}

/** The part of a torn write that is lost: its end as a rule, or its beginning. */
function tornRange(length: number, random: SeededRandom): [number, number] {
  const cut = length < 2 ? 0 : 1 + random.below(length - 1);
  return random.chance(0.75) ? [cut, length] : [0, cut];
}
