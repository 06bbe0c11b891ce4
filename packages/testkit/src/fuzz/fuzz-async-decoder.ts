import { createRandom } from "../random/seeded-random.js";
import type { FuzzInput, FuzzOptions, FuzzReport } from "./fuzz-decoder.js";
import { FuzzError, type FuzzProblem } from "./fuzz-error.js";
import { allocatedBytes, memoryAllowance, sizeOf } from "./memory-meter.js";

/** Options of {@link fuzzAsyncDecoder}. */
export interface AsyncFuzzOptions<Input extends FuzzInput> extends FuzzOptions<Input> {
  readonly decode: (input: Input) => Promise<unknown>;
}

/**
 * As `fuzzDecoder`, for what answers with a promise, one input after the other. An answer that does not come is noticed
 * where the event loop still turns.
 */
export async function fuzzAsyncDecoder<Input extends FuzzInput>(
  options: AsyncFuzzOptions<Input>,
): Promise<FuzzReport> {
  const { makeInput, decode, isExpectedError, count, seed: first = 1, maxMilliseconds = 1000 } = options;
  const allowance = options.maxBytes ?? memoryAllowance;
  let accepted = 0;
  let refused = 0;
  const begin = performance.now();
  const { stackTraceLimit } = Error;
  try {
    // Most inputs end in an error, and the stack of it takes far longer than all the rest.
    Error.stackTraceLimit = 0;
    for (let seed = first; seed < first + count; seed++) {
      const input = makeInput(createRandom(seed));
      const fail = (problem: FuzzProblem): never => {
        throw new FuzzError(options.name, seed, input, problem, options.replayCommand?.(seed));
      };
      const before = allocatedBytes();
      const start = performance.now();
      const outcome = await settledWithin(decode(input), 5 * maxMilliseconds);
      const milliseconds = performance.now() - start;
      const bytes = allocatedBytes() - before;
      if (outcome.type === "pending") fail({ type: "hang", milliseconds });
      if (outcome.type === "failed" && !isExpectedError(outcome.error))
        fail({ type: "error", error: outcome.error });
      if (outcome.type === "done") accepted++;
      else refused++;
      if (milliseconds > maxMilliseconds) {
        // Once, it may have been the machine.
        const again = performance.now();
        await settledWithin(decode(input), 5 * maxMilliseconds);
        const least = Math.min(milliseconds, performance.now() - again);
        if (least > maxMilliseconds) fail({ type: "slow", milliseconds: least });
      }
      if (bytes > allowance(sizeOf(input))) fail({ type: "memory", bytes });
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return { inputs: count, accepted, refused, milliseconds: performance.now() - begin };
}

type Outcome = { readonly type: "done" | "pending" } | { readonly type: "failed"; readonly error: unknown };

async function settledWithin(promise: Promise<unknown>, milliseconds: number): Promise<Outcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pending = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve({ type: "pending" }), milliseconds);
  });
  const settled = promise.then(
    (): Outcome => ({ type: "done" }),
    (error: unknown): Outcome => ({ type: "failed", error }),
  );
  const outcome = await Promise.race([settled, pending]);
  clearTimeout(timer);
  return outcome;
}
