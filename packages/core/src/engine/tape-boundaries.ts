import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { readLocalValue } from "./local-values.js";
import type { ReplicaSession } from "./replica-session.js";

/** Change ids after which a local transaction ended, ascending: those of earlier sessions, then those of this one. */
export function* tapeBoundaries(session: ReplicaSession): Coroutine<readonly number[]> {
  return [...session.earlierBoundaries, ...(yield* io.transactionBoundaries())];
}

/** The first boundary at or after a change id. */
export function nextBoundary(boundaries: readonly number[], changeId: number): number | undefined {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((boundaries[middle] as number) < changeId) low = middle + 1;
    else high = middle;
  }
  return boundaries[low];
}

/** The boundaries saved when the replica was last closed. After a crash there are none: the tape is then one piece. */
export function* readSavedBoundaries(): Coroutine<readonly number[]> {
  const saved = yield* readLocalValue("boundaries");
  return typeof saved === "string" ? (JSON.parse(saved) as number[]) : [];
}
