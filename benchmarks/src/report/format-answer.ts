import type { Sample } from "../measure/statistics.js";
import type { Answer, Target } from "../question.js";
import { formatNumber } from "./format-number.js";
import { judgeTarget } from "./judge-target.js";

/** What goes with the table of an answer. */
export interface FormatOptions {
  /** Whether targets are judged; not where little was done. */
  readonly judges: boolean;
  /** What bounds what was missed, written by hand. Shown only where a target is missed. */
  readonly explanation?: string | undefined;
}

/** The answer to one question, as Markdown. */
export function formatAnswer(answer: Answer, { judges, explanation }: FormatOptions): string {
  const { question, samples, failures } = answer;
  const parts = [`## ${question.title}`, formatTable(answer)];
  if (failures.length > 0) parts.push(failures.map((failure) => `- **Failed**: ${failure}`).join("\n"));
  if (judges && question.targets.length > 0) {
    parts.push(question.targets.map((target) => `- ${formatTarget(target, samples)}`).join("\n"));
    const isMissed = question.targets.some((target) => !judgeTarget(target, samples).isMet);
    if (isMissed && explanation !== undefined) parts.push(explanation.trim());
  }
  return `${parts.join("\n\n")}\n`;
}

function formatTable({ question, samples }: Answer): string {
  const figures = [...new Set([...samples.values()].flatMap((one) => [...one.keys()]))];
  const head = ["", ...figures];
  const rows = question.cases.map(({ name }) => {
    const measured = samples.get(name);
    return [name, ...figures.map((figure) => formatSample(measured?.get(figure)))];
  });
  return [head, head.map((_, index) => (index === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function formatTarget(target: Target, samples: Answer["samples"]): string {
  const { of, value, limit, isMet, missedBy } = judgeTarget(target, samples);
  const { figure, against, atMost } = target;
  const what = against === undefined ? `${figure}, ${of}` : `${figure}, ${of} : ${against}`;
  const aim = `${atMost === undefined ? "at least" : "at most"} ${formatNumber(limit)}`;
  if (value === undefined || missedBy === undefined) return `${what}: **no figure** (${aim})`;
  const verdict = isMet ? "met" : `missed by a factor of ${formatNumber(missedBy)}`;
  return `${what} = **${formatNumber(value)}** (${aim}: ${verdict})`;
}

function formatSample(sample: Sample | undefined): string {
  if (sample === undefined) return "";
  const { median, least, greatest, values } = sample;
  if (values.length === 1) return formatNumber(median);
  return `${formatNumber(median)} (${formatNumber(least)} – ${formatNumber(greatest)})`;
}
