import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Answer } from "../question.js";
import type { MachineDescription } from "./describe-machine.js";
import { drawCharts } from "./draw-charts.js";
import { formatAnswer } from "./format-answer.js";
import { formatDuration } from "./format-duration.js";
import { judgeTarget } from "./judge-target.js";

/** A run of the suite. */
export interface Results {
  readonly machine: MachineDescription;
  readonly begun: Date;
  readonly seconds: number;
  readonly answers: readonly Answer[];
}

const CHART = "growth.svg";

/** Writes `results.md`, `results.json` and, where something grows, `growth.svg` into a directory. */
export function writeResults(results: Results, directory: string): void {
  const { answers } = results;
  mkdirSync(directory, { recursive: true });
  const hasChart = answers.some(({ question }) => question.chart !== undefined);
  if (hasChart) writeFileSync(`${directory}/${CHART}`, drawCharts(answers));
  writeFileSync(`${directory}/results.md`, formatResults(results, hasChart));
  writeFileSync(`${directory}/results.json`, `${JSON.stringify(toJson(results), null, 2)}\n`);
}

/** What is written by hand about why a target of a question is missed. */
export function explanationOf(question: string): string | undefined {
  const path = new URL(`../../explanations/${question}.md`, import.meta.url);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function formatResults({ machine, begun, seconds, answers }: Results, hasChart: boolean): string {
  const targets = answers.flatMap(({ question, samples }) =>
    question.targets.map((target) => judgeTarget(target, samples)),
  );
  const met = targets.filter(({ isMet }) => isMet).length;
  const { processor, cores, memoryGiB, system, node, commit, versions } = machine;
  return [
    "# Results",
    "Written by `npm run bench`; [README.md](README.md) says how each of them is measured. A figure is the median of its runs, with the least and the greatest. What counts are the ratios: absolute times are those of this machine.",
    [
      "| | |",
      "| --- | --- |",
      `| machine | ${processor}, ${cores} cores, ${memoryGiB} GiB, ${system} |`,
      `| versions | Node ${node}, ${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")} |`,
      `| commit | ${commit} |`,
      `| when | ${begun.toISOString().slice(0, 16).replace("T", " ")} UTC, for ${formatDuration(seconds)} |`,
      `| targets | ${met} of ${targets.length} met |`,
    ].join("\n"),
    ...(hasChart ? [`![What a change costs, while other things grow](${CHART})`] : []),
    ...answers.map((answer) =>
      formatAnswer(answer, { judges: true, explanation: explanationOf(answer.question.name) }).trimEnd(),
    ),
  ]
    .join("\n\n")
    .concat("\n");
}

function toJson({ machine, begun, seconds, answers }: Results): unknown {
  return {
    machine,
    begun: begun.toISOString(),
    seconds: Math.round(seconds),
    answers: answers.map((answer) => ({
      question: answer.question.name,
      title: answer.question.title,
      seconds: Math.round(answer.seconds),
      failures: answer.failures,
      targets: answer.question.targets.map((target) => ({
        ...target,
        ...judgeTarget(target, answer.samples),
      })),
      samples: Object.fromEntries(
        [...answer.samples].map(([name, figures]) => [name, Object.fromEntries(figures)]),
      ),
    })),
  };
}
