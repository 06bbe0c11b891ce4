/** What went wrong with an input. */
export type FuzzProblem =
  /** Not the error with which the decoder refuses inputs. */
  | { readonly type: "error"; readonly error: unknown }
  | { readonly type: "slow" | "hang"; readonly milliseconds: number }
  | { readonly type: "memory"; readonly bytes: number };

const LONGEST_SHOWN = 200;

/** An input that a decoder did not take as it should. The message has all that is needed to try it again. */
export class FuzzError extends Error {
  override readonly name = "FuzzError";
  readonly seed: number;
  readonly problem: FuzzProblem;

  constructor(
    decoder: string,
    seed: number,
    input: Uint8Array | string,
    problem: FuzzProblem,
    replayCommand: string | undefined,
  ) {
    const lines = [`${decoder} ${describe(problem)}`, `seed ${seed}: ${shown(input)}`];
    if (replayCommand !== undefined) lines.push(`replay: ${replayCommand}`);
    super(lines.join("\n"), problem.type === "error" ? { cause: problem.error } : {});
    this.seed = seed;
    this.problem = problem;
  }
}

function describe(problem: FuzzProblem): string {
  switch (problem.type) {
    case "error":
      return `failed with another error than its own: ${String(problem.error)}`;
    case "slow":
      return `took ${Math.round(problem.milliseconds)} ms`;
    case "hang":
      return `had no answer after ${Math.round(problem.milliseconds)} ms`;
    case "memory":
      return `took ${problem.bytes} bytes of memory`;
  }
}

function shown(input: Uint8Array | string): string {
  const isText = typeof input === "string";
  const text = isText ? JSON.stringify(input) : Buffer.from(input).toString("hex");
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  return `${input.length} ${isText ? "characters" : "bytes"} ${cut}`;
}
