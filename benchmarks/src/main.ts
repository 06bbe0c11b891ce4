import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { atScale, chooseQuestions } from "./choose-questions.js";
import { answerQuestion } from "./measure/answer-question.js";
import { mapInTurns } from "./measure/map-in-turns.js";
import { endChildren } from "./peers/child-processes.js";
import { deleteTemporaryDirectories } from "./peers/temporary-directory.js";
import type { Answer, Question } from "./question.js";
import { QUESTIONS } from "./questions/questions.js";
import { describeMachine } from "./report/describe-machine.js";
import { formatAnswer } from "./report/format-answer.js";
import { formatDuration } from "./report/format-duration.js";
import { Progress } from "./report/progress.js";
import { readResults } from "./report/read-results.js";
import { explanationOf, writeResults } from "./report/write-results.js";

const BENCHMARKS = new URL("../", import.meta.url);

interface Options {
  readonly short?: boolean;
  readonly rounds?: number;
  readonly output?: string;
  readonly rewrite?: boolean;
}

const program = new Command("npm run bench --")
  .description("Measures Tributary and its peers side by side.")
  .argument("[questions...]", "which ones, by name or its beginning; all of them if none is named")
  .option("--short", "only show that everything runs: small amounts, one round, no files, nothing judged")
  .option("--rounds <count>", "how often each case is run", parseCount)
  .option(
    "--output <directory>",
    "where results.md, results.json and growth.svg are written; by default, after a run of all questions only, to benchmarks",
  )
  .option(
    "--rewrite",
    "measure nothing; write the files there again from results.json, with the explanations as they are now",
  )
  .addHelpText(
    "after",
    `\nQuestions:\n${QUESTIONS.map(({ name, title }) => `  ${name.padEnd(18)}${title}`).join("\n")}`,
  )
  .parse();
const options = program.opts<Options>();

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    endChildren();
    deleteTemporaryDirectories();
    process.exit(code);
  });
}

let questions: readonly Question[] = [];
try {
  questions = atScale(chooseQuestions(QUESTIONS, program.args), options.short === true ? "short" : "full");
} catch (error) {
  program.error(`${(error as Error).message}; --help names them all`);
}
if (options.rewrite === true) {
  const directory = options.output ?? fileURLToPath(BENCHMARKS);
  writeResults(readResults(directory, QUESTIONS), directory);
} else {
  const answers = await answerAll(questions, options);
  if (answers.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

async function answerAll(
  asked: readonly Question[],
  { short = false, rounds, output }: Options,
): Promise<Answer[]> {
  const begun = new Date();
  const start = performance.now();
  const machine = describeMachine();
  const progress = new Progress(asked, short ? undefined : new URL("results.json", BENCHMARKS));
  // Where nothing is judged, one need not wait for the other.
  const atOnce = short ? availableParallelism() : 1;
  const given = await mapInTurns(asked, atOnce, async (question) => {
    const count = short ? 1 : (rounds ?? question.rounds ?? 5);
    const answer = await answerQuestion(question, short ? "short" : "full", count, (name, round) =>
      progress.run(question, name, round, count),
    );
    console.log(formatAnswer(answer, { judges: !short, explanation: explanationOf(question.name) }));
    return answer;
  });
  const seconds = (performance.now() - start) / 1000;
  console.log(`${asked.length} questions in ${formatDuration(seconds)}`);
  const directory = output ?? (asked.length === QUESTIONS.length ? fileURLToPath(BENCHMARKS) : undefined);
  if (!short && directory !== undefined) writeResults({ machine, begun, seconds, answers: given }, directory);
  return given;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError("It must be a positive number.");
  return count;
}
