import {
  createRandom,
  type FuzzInput,
  type FuzzOptions,
  type FuzzReport,
  fuzzAsyncDecoder,
  fuzzDecoder,
} from "@tributary/testkit";
import { expect, it } from "vitest";

// What one run tries, and about what an input takes, its making included (µs, on a core of its own; three times as much
// where other tests run beside). A million of each would take many minutes: `TRIBUTARY_FUZZ_COUNT=25` gives their million
// to all but the slowest, and `TRIBUTARY_FUZZ_REPORT=1` prints what was tried and how long it took.
//
//   decoder                          inputs    µs       decoder                       inputs    µs
//   database header                 500 000     4       pull request                 200 000    17
//   log header                      500 000     3       pull header                  200 000    14
//   first page of a remote          200 000     9       page message, short page     250 000    13
//   log (pages of 512 bytes)         50 000    33       stream, whole and in pieces  200 000    17
//   rows                            200 000    14       Roaring bitmap, small        200 000    16
//   UTF-8                           300 000     4       Roaring bitmap, large          5 000    90
//   replay journal                   80 000    43       Hrana request                 50 000    55
//   revert file                      40 000    73       Hrana response                50 000    54
//   log, followed                    10 000   170       Hrana value                  200 000    14
//   page download, page batches      25 000    60       server: pipeline               3 000  1000
//   metadata                        100 000    34       server: pull                   5 000   800
//   SQL text                         40 000    40       HTTP protocol: pull, batch    10 000  1000
//   SQL text, 100 kB                    162 27 000      replica, whole                   100 60 000
//   Hrana cursor request             10 000    60       Hrana pipeline, protobuf      10 000    60
//   Hrana client message             20 000    40       Hrana cursor, protobuf        10 000    50
//   Hrana baton                      10 000    40       Hrana client message, pb.     50 000    30
//   change package, binary form      12 000    80       change package, JSON form      8 000    65
//   tables of changed pages             400  1000       libSQL program                 5 000    50
//   gRPC-web message                 10 000    20       log offset                    10 000    20

/** Multiplies the number of inputs: 1 when not set, more for a soak. */
const FACTOR = Number(process.env.TRIBUTARY_FUZZ_COUNT ?? 1);
/** Only the input of this seed. */
const ONLY = process.env.TRIBUTARY_SEED === undefined ? undefined : Number(process.env.TRIBUTARY_SEED);
/** Time for one test of a file: enough for any count. */
const TIMEOUT_MS = 120_000 * Math.max(1, FACTOR);

type Options<Input extends FuzzInput> = Omit<FuzzOptions<Input>, "name" | "seed" | "replayCommand"> & {
  /** Whether some of the inputs must be refused: not where a decoder takes everything. Default true. */
  readonly refuses?: boolean;
};

/** A test that fuzzes a decoder. `file`: the name of the test file, for the command that replays a failure. */
export function itSurvives<Input extends FuzzInput>(
  file: string,
  name: string,
  options: Options<Input>,
): void {
  it(
    name,
    () => {
      const full = complete(file, name, options);
      checkReport(fuzzDecoder(full), options, name);
    },
    TIMEOUT_MS,
  );
}

/** As `itSurvives`, for what answers with a promise. */
export function itSurvivesAsync<Input extends FuzzInput>(
  file: string,
  name: string,
  options: Options<Input> & { readonly decode: (input: Input) => Promise<unknown> },
): void {
  it(
    name,
    async () => {
      const full = { ...complete(file, name, options), decode: options.decode };
      checkReport(await fuzzAsyncDecoder(full), options, name);
    },
    TIMEOUT_MS,
  );
}

function complete<Input extends FuzzInput>(
  file: string,
  name: string,
  options: Options<Input>,
): FuzzOptions<Input> {
  // The input is made here first, so that a mistake in its making is not taken for one of the decoder.
  options.makeInput(createRandom(ONLY ?? 1));
  return {
    ...options,
    name,
    ...(ONLY === undefined
      ? { count: Math.max(1, Math.round(options.count * FACTOR)) }
      : { seed: ONLY, count: 1 }),
    replayCommand: (seed) => `TRIBUTARY_SEED=${seed} npx vitest run tests/fuzz/${file} -t '${name}'`,
  };
}

/** Inputs that all fail, or none of which does, try next to nothing. */
function checkReport<Input extends FuzzInput>(
  report: FuzzReport,
  options: Options<Input>,
  name: string,
): void {
  if (process.env.TRIBUTARY_FUZZ_REPORT !== undefined) {
    const { inputs, accepted, milliseconds } = report;
    const rate = `${((1000 * milliseconds) / inputs).toFixed(2)} µs each`;
    process.stderr.write(
      `${name}: ${inputs} inputs, ${accepted} accepted, ${Math.round(milliseconds)} ms, ${rate}\n`,
    );
  }
  if (ONLY !== undefined) return;
  expect(report.accepted).toBeGreaterThan(report.inputs / 1000);
  if (options.refuses !== false) expect(report.refused).toBeGreaterThan(report.inputs / 1000);
}
