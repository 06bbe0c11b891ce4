import type { Measurement } from "../question.js";

/** What a process of its own measures. Its arguments are plain data. */
export type Job<A> = (args: A) => Promise<Measurement>;

/** What is between two moments, ms. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
