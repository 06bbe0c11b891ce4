import type { Branch } from "./branch.js";

/** What is known of a branch that is not open. */
type BranchEntry = Pick<Branch, "block" | "device" | "createdAt" | "usedAt">;

/** After how long a download that did not come to its end, and was not followed by any request, is given up, ms. */
const UNUSED_MS = 24 * 3_600_000;

/**
 * Branches that nobody will come back for: those whose device has begun another one since, and that were not used for
 * `retentionMs`; and those whose download has failed. A replica that has its file may be without a network for long, and what
 * it writes meanwhile can go nowhere else. Never the one of strict mode. `now`: ms since 1970.
 */
export function expiredBranches(
  branches: readonly BranchEntry[],
  now: number,
  retentionMs: number,
): readonly number[] {
  const newest = new Map<string, number>();
  for (const { device, createdAt } of branches) {
    if (device !== undefined) newest.set(device, Math.max(createdAt, newest.get(device) ?? 0));
  }
  return branches
    .filter(({ block, device, createdAt, usedAt }) => {
      if (block === 0 || device === undefined) return false;
      const idleMs = now - usedAt;
      const isSuperseded = createdAt < (newest.get(device) as number);
      return (isSuperseded && idleMs > retentionMs) || (usedAt === createdAt && idleMs > UNUSED_MS);
    })
    .map(({ block }) => block);
}
