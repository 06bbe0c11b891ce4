import type { Answer, Measurement, Question, Scale } from "../question.js";
import { Shared } from "./shared.js";
import { type Sample, sampleOf } from "./statistics.js";

/**
 * Runs the cases of a question in turns, A B A B, so that whatever else the machine does meets them alike. A run that fails is
 * told of in the answer, and the others go on. `onRun` is told of each run before it begins.
 */
export async function answerQuestion(
  question: Question,
  scale: Scale,
  rounds: number,
  onRun: (name: string, round: number) => void,
): Promise<Answer> {
  const start = performance.now();
  const runs = new Map<string, Measurement[]>(question.cases.map(({ name }) => [name, []]));
  const failures: string[] = [];
  const shared = new Shared();
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const one of question.cases) {
        if (round > (one.rounds ?? rounds)) continue;
        onRun(one.name, round);
        try {
          runs.get(one.name)?.push(await one.run(scale, shared));
        } catch (error) {
          failures.push(
            `${one.name}, round ${round}: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
      }
    }
  } finally {
    await shared.end();
  }
  const samples = new Map([...runs].map(([name, measured]) => [name, samplesOf(measured)]));
  return { question, samples, failures, seconds: (performance.now() - start) / 1000 };
}

function samplesOf(measurements: readonly Measurement[]): Map<string, Sample> {
  const figures = Object.keys(measurements[0] ?? {});
  return new Map(
    figures.map((figure) => [figure, sampleOf(measurements.map((one) => one[figure] as number))]),
  );
}
