import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { answerQuestion } from "./measure/answer-question.js";
import type { Answer } from "./question.js";
import { QUESTIONS } from "./questions/questions.js";
import { describeMachine } from "./report/describe-machine.js";
import { formatAnswer } from "./report/format-answer.js";

const program = new Command("npm run bench --")
  .description(
    "Measures Tributary and its peers side by side, and writes benchmarks/results.md and results.json.",
  )
  .argument(
    "[questions...]",
    `which ones, by name or its beginning: ${QUESTIONS.map(({ name }) => name).join(", ")}`,
  )
  .option("--short", "only show that everything runs: small amounts, one round, no files")
  .option("--rounds <count>", "how often each case is run", Number)
  .parse();

const { short = false, rounds } = program.opts<{ short?: boolean; rounds?: number }>();
const asked = program.args;
const questions = QUESTIONS.filter(
  ({ name }) => asked.length === 0 || asked.some((one) => name.startsWith(one)),
);
if (questions.length === 0) program.error(`there is no question ${asked.join(", ")}`);

const answers: Answer[] = [];
for (const question of questions) {
  const count = rounds ?? (short ? 1 : (question.rounds ?? 5));
  const answer = await answerQuestion(question, short ? "short" : "full", count, (name, round) =>
    process.stderr.write(`${question.title}: ${name}, ${round} of ${count}\n`),
  );
  answers.push(answer);
  console.log(formatAnswer(answer));
}
if (!short) {
  const machine = describeMachine();
  const directory = new URL("../", import.meta.url);
  const head = `# Results\n\n\`\`\`json\n${JSON.stringify(machine, null, 2)}\n\`\`\`\n\nMedian (least – greatest) of the runs.\n`;
  writeFileSync(new URL("results.md", directory), [head, ...answers.map(formatAnswer)].join("\n"));
  writeFileSync(
    new URL("results.json", directory),
    `${JSON.stringify({ machine, answers: answers.map(toJson) }, null, 2)}\n`,
  );
}

function toJson({ question, samples }: Answer): unknown {
  return {
    question: question.name,
    samples: Object.fromEntries([...samples].map(([name, figures]) => [name, Object.fromEntries(figures)])),
  };
}
