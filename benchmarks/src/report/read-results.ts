import { readFileSync } from "node:fs";
import type { Sample } from "../measure/statistics.js";
import type { Answer, Question } from "../question.js";
import type { MachineDescription } from "./describe-machine.js";
import type { Results } from "./write-results.js";

/** What is in a `results.json`. */
interface ResultsFile {
  readonly machine: MachineDescription;
  readonly begun: string;
  readonly seconds: number;
  readonly answers: readonly {
    readonly question: string;
    readonly seconds: number;
    readonly failures: readonly string[];
    readonly samples: Readonly<Record<string, Readonly<Record<string, Sample>>>>;
  }[];
}

/** Reads what `writeResults` wrote into a directory. Throws where that is of other questions, or not there. */
export function readResults(directory: string, questions: readonly Question[]): Results {
  const file = JSON.parse(readFileSync(`${directory}/results.json`, "utf8")) as ResultsFile;
  const answers = file.answers.map(({ question: name, seconds, failures, samples }): Answer => {
    const question = questions.find((one) => one.name === name);
    if (question === undefined) throw new Error(`${directory}/results.json has an unknown question, ${name}`);
    const figures = Object.entries(samples).map(
      ([one, figuresOfOne]) => [one, new Map(Object.entries(figuresOfOne))] as const,
    );
    return { question, seconds, failures, samples: new Map(figures) };
  });
  return { machine: file.machine, begun: new Date(file.begun), seconds: file.seconds, answers };
}
