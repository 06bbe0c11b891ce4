import type { Branch } from "./branch.js";

/**
 * By what name the database knows how far the frames of a branch were merged. Numbers of branches are used again, hence the
 * time at which it was made; positions are, hence the era.
 */
export function mergeClientId(
  { block, createdAt }: Pick<Branch, "block" | "createdAt">,
  era: number,
): string {
  return `libsql-offline-${block}-${createdAt}-${era}`;
}
