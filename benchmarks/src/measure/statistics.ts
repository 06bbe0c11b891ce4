/** What a figure was, run by run. */
export interface Sample {
  readonly values: readonly number[];
  readonly median: number;
  /** The least and the greatest. */
  readonly least: number;
  readonly greatest: number;
}

/** Throws where there are no values. */
export function sampleOf(values: readonly number[]): Sample {
  const least = quantile(values, 0);
  return { values, median: quantile(values, 0.5), least, greatest: quantile(values, 1) };
}

/** The value below which that share of the values lies; between two values, in proportion. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error("there are no values");
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] as number;
  const above = sorted[Math.ceil(at)] as number;
  return below + (above - below) * (at - Math.floor(at));
}
