import type { Answer, Target } from "../question.js";

/** What came of a target. */
export interface Verdict {
  /** The case that counts. */
  readonly of: string;
  /** The ratio, or the figure itself; `undefined` where one of the cases has not given it. */
  readonly value: number | undefined;
  /** The limit. */
  readonly limit: number;
  readonly isMet: boolean;
  /** By which factor it is missed; 1 where it is just met. */
  readonly missedBy: number | undefined;
}

export function judgeTarget(target: Target, samples: Answer["samples"]): Verdict {
  const { atMost, atLeast, against } = target;
  const limit = atMost ?? atLeast;
  if (limit === undefined) throw new Error(`a target without a limit: ${target.figure}`);
  const { of, median } = best(target, samples);
  const other = against === undefined ? 1 : samples.get(against)?.get(target.figure)?.median;
  const value = median === undefined || other === undefined ? undefined : median / other;
  if (value === undefined) return { of, value, limit, isMet: false, missedBy: undefined };
  const missedBy = atMost === undefined ? limit / value : value / limit;
  return { of, value, limit, isMet: missedBy <= 1, missedBy };
}

function best(
  { of, figure, atMost }: Target,
  samples: Answer["samples"],
): { of: string; median: number | undefined } {
  const names = typeof of === "string" ? [of] : of;
  const measured = names.flatMap((name) => {
    const median = samples.get(name)?.get(figure)?.median;
    return median === undefined ? [] : [{ of: name, median }];
  });
  measured.sort((a, b) => (atMost === undefined ? b.median - a.median : a.median - b.median));
  return measured[0] ?? { of: names.join(" or "), median: undefined };
}
