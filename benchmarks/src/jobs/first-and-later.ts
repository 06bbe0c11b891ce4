import { quantile } from "../measure/statistics.js";

/**
 * What was timed several times in one process: the first time, with cold code, and the median of the later ones; of a single
 * one, itself. Throws where there are none.
 */
export function firstAndLater(taken: readonly number[]): { readonly first: number; readonly later: number } {
  const later = taken.length > 1 ? taken.slice(1) : taken;
  return { first: quantile(taken.slice(0, 1), 0.5), later: quantile(later, 0.5) };
}
