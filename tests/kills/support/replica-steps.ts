import type { SeededRandom } from "@tributary/testkit";
import type { ReplicaStep } from "./replica-process.js";
import type { Source } from "./source.js";

/** Makes what a replica does next, from its transaction `first` on; some of it at the same time. */
export function makeSteps(
  source: Source,
  first: number,
  count: number,
  random: SeededRandom,
): { readonly steps: ReplicaStep[]; readonly last: number } {
  let n = first - 1;
  const next = () => {
    n++;
    return { n, statements: source.transaction(n) };
  };
  const steps = Array.from({ length: count }, (): ReplicaStep => {
    if (random.chance(0.45)) return { step: "commit", transaction: next() };
    const meanwhile = Array.from({ length: random.chance(0.4) ? 1 + random.below(3) : 0 }, next);
    return { step: random.pick(["push", "push", "pull", "pull", "sync", "checkpoint"]), meanwhile };
  });
  return { steps, last: n };
}

/** Makes nothing but local transactions. */
export function makeCommits(
  source: Source,
  first: number,
  count: number,
): { readonly steps: ReplicaStep[]; readonly last: number } {
  const steps = Array.from({ length: count }, (_, index): ReplicaStep => {
    const n = first + index;
    return { step: "commit", transaction: { n, statements: source.transaction(n) } };
  });
  return { steps, last: first + count - 1 };
}
