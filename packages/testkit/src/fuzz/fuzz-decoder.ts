import { createContext, Script } from "node:vm";
import { createRandom, type SeededRandom } from "../random/seeded-random.js";
import { FuzzError, type FuzzProblem } from "./fuzz-error.js";
import { allocatedBytes, collectGarbage, memoryAllowance, sizeOf } from "./memory-meter.js";

/** Bytes or text: what decoders take. */
export type FuzzInput = Uint8Array | string;

/** What is fuzzed, and what is allowed. */
export interface FuzzOptions<Input extends FuzzInput> {
  /** Names the decoder in a failure. */
  readonly name: string;
  /** Makes the input of a seed, from nothing but the generator. */
  readonly makeInput: (random: SeededRandom) => Input;
  /** Decodes, and looks at all of the result where that is lazy. May also check it: what it throws then is a failure. */
  readonly decode: (input: Input) => unknown;
  /** Whether this is the one error with which the decoder refuses an input. */
  readonly isExpectedError: (error: unknown) => boolean;
  /** Inputs to try. */
  readonly count: number;
  /** Seed of the first input; those that follow have the seeds that follow. Default 1. */
  readonly seed?: number;
  /** No input may take longer. Default 1000 ms. */
  readonly maxMilliseconds?: number;
  /** No input may make the decoder allocate more. Default: 1 MiB and 64 times the input's size. */
  readonly maxBytes?: (inputBytes: number) => number;
  /** The command that runs the decoder with the input of a seed alone, for the message of a failure. */
  readonly replayCommand?: (seed: number) => string;
}

/** What came of it. */
export interface FuzzReport {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  readonly milliseconds: number;
}

/** How long one run of the virtual machine is, about. Starting it costs a tenth of a millisecond. */
const SLICE_MS = 50;
/** Asking for the memory takes about as long as a small decoder does, so only one in so many inputs is measured. */
const MEASURED_EVERY = 4;

/**
 * Feeds a decoder with mutated inputs. Each is decoded, or refused with the expected error; another error, an answer
 * that takes too long, one that never comes, and memory out of proportion to the input are a failure: this throws a
 * {@link FuzzError} with the seed of the input, which makes the same input again.
 */
export function fuzzDecoder<Input extends FuzzInput>(options: FuzzOptions<Input>): FuzzReport {
  const { makeInput, decode, isExpectedError, count, seed: first = 1, maxMilliseconds = 1000 } = options;
  const allowance = options.maxBytes ?? memoryAllowance;
  let accepted = 0;
  let refused = 0;
  let seed = first;
  let failure: FuzzProblem | undefined;

  const tryOne = (): FuzzProblem | undefined => {
    const input = makeInput(createRandom(seed));
    const isMeasured = seed % MEASURED_EVERY === 0;
    const before = isMeasured ? allocatedBytes() : 0;
    try {
      decode(input);
      accepted++;
    } catch (error) {
      if (!isExpectedError(error)) return { type: "error", error };
      refused++;
    }
    if (!isMeasured) return undefined;
    const limit = allowance(sizeOf(input));
    if (allocatedBytes() - before <= limit) return undefined;
    const bytes = leastOf(allocatedBytes);
    return bytes > limit ? { type: "memory", bytes } : undefined;
  };
  /** By how much a number grows at least while the present input is decoded: once, it may have been the machine. */
  const leastOf = (read: () => number): number => {
    const growths = [1, 2, 3].map(() => {
      const input = makeInput(createRandom(seed));
      collectGarbage();
      const before = read();
      try {
        decode(input);
      } catch {
        // Seen before.
      }
      return read() - before;
    });
    return Math.min(...growths);
  };
  const run = (): void => {
    const start = performance.now();
    let last = start;
    for (; seed < first + count && last - start < SLICE_MS; seed++) {
      failure = tryOne();
      const now = performance.now();
      if (failure === undefined && now - last > maxMilliseconds) {
        const milliseconds = leastOf(() => performance.now());
        if (milliseconds > maxMilliseconds) failure = { type: "slow", milliseconds };
      }
      if (failure !== undefined) return;
      last = now;
    }
  };
  /** The same error again, now with its stack. */
  const withStack = (problem: FuzzProblem): FuzzProblem => {
    try {
      decode(makeInput(createRandom(seed)));
    } catch (error) {
      return { type: "error", error };
    }
    return problem;
  };

  // A loop without an end cannot be seen from inside; the virtual machine can be told to stop whatever runs in it, be it
  // code from outside. Its time includes that of an input which is merely slow, tried again three times.
  // Most inputs end in an error, and the stack of it takes far longer than all the rest.
  const { stackTraceLimit } = Error;
  const timeout = SLICE_MS + 6 * maxMilliseconds;
  const context = createContext({ run });
  const script = new Script("run()");
  const start = performance.now();
  try {
    Error.stackTraceLimit = 0;
    while (seed < first + count && failure === undefined) script.runInContext(context, { timeout });
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    failure = { type: "hang", milliseconds: timeout };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  if (failure !== undefined) {
    const problem = failure.type === "error" ? withStack(failure) : failure;
    throw new FuzzError(
      options.name,
      seed,
      makeInput(createRandom(seed)),
      problem,
      options.replayCommand?.(seed),
    );
  }
  return { inputs: count, accepted, refused, milliseconds: performance.now() - start };
}
