import { readFileSync } from "node:fs";
import type { Question } from "../question.js";
import { formatDuration } from "./format-duration.js";

/** Tells on stderr what is being measured, and how long all of it will still take if it takes as long as last time. */
export class Progress {
  readonly #questions: readonly Question[];
  readonly #lastSeconds: ReadonlyMap<string, number>;

  /** `lastResults`: a results.json, if there is one. */
  constructor(questions: readonly Question[], lastResults: URL | undefined) {
    this.#questions = questions;
    this.#lastSeconds = lastResults === undefined ? new Map() : readSeconds(lastResults);
  }

  run(question: Question, name: string, round: number, rounds: number): void {
    const index = this.#questions.indexOf(question);
    const left = this.#questions
      .slice(index)
      .map((one) => this.#lastSeconds.get(one.name))
      .reduce((sum, seconds) => (sum === undefined || seconds === undefined ? undefined : sum + seconds), 0);
    const time = left === undefined ? "" : `, at most ${formatDuration(left)} left by the last results`;
    process.stderr.write(
      `${index + 1} of ${this.#questions.length}, ${question.name}: ${name}, round ${round} of ${rounds}${time}\n`,
    );
  }
}

function readSeconds(results: URL): Map<string, number> {
  let text: string;
  try {
    text = readFileSync(results, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
  const { answers } = JSON.parse(text) as { answers: { question: string; seconds: number }[] };
  return new Map(answers.map(({ question, seconds }) => [question, seconds]));
}
