import type { Answer, Measurement, Question, Scale } from "../question.js";
import { type Sample, sampleOf } from "./statistics.js";

/**
 * Runs the cases of a question in turns, A B A B, so that whatever else the machine does meets them alike. `onRun` is told
 * of each run before it begins.
 */
export async function answerQuestion(
  question: Question,
  scale: Scale,
  rounds: number,
  onRun: (name: string, round: number) => void,
): Promise<Answer> {
  const runs = new Map<string, Measurement[]>(question.cases.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const one of question.cases) {
      onRun(one.name, round);
      runs.get(one.name)?.push(await one.run(scale));
    }
  }
  const samples = new Map<string, Map<string, Sample>>();
  for (const [name, measurements] of runs) {
    const figures = new Map<string, Sample>();
    for (const figure of Object.keys(measurements[0] ?? {})) {
      figures.set(figure, sampleOf(measurements.map((one) => one[figure] as number)));
    }
    samples.set(name, figures);
  }
  return { question, samples };
}
