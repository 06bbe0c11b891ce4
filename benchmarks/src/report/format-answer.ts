import type { Sample } from "../measure/statistics.js";
import type { Answer, Target } from "../question.js";

/** The table of one question, as Markdown. */
export function formatAnswer({ question, samples }: Answer): string {
  const figures = [...new Set([...samples.values()].flatMap((one) => [...one.keys()]))];
  const head = ["", ...figures];
  const rows = question.cases.map(({ name }) => {
    const measured = samples.get(name);
    return [name, ...figures.map((figure) => formatSample(measured?.get(figure)))];
  });
  const table = [head, head.map((_, index) => (index === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
  const targets = question.targets.map((target) => `- ${formatTarget(target, samples)}`).join("\n");
  return `## ${question.title}\n\n${table}\n\n${targets}\n`;
}

/** The ratio of one case to another; undefined where one of them has not the figure. */
function ratioOf({ figure, of, against }: Target, samples: Answer["samples"]): number | undefined {
  const ours = samples.get(of)?.get(figure)?.median;
  const theirs = samples.get(against)?.get(figure)?.median;
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

function formatTarget(target: Target, samples: Answer["samples"]): string {
  const { figure, of, against, atMost, atLeast } = target;
  const ratio = ratioOf(target, samples);
  const limit = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
  const isMet =
    ratio !== undefined && ratio <= (atMost ?? Number.POSITIVE_INFINITY) && ratio >= (atLeast ?? 0);
  return `${figure}, ${of} : ${against} = **${ratio === undefined ? "?" : formatNumber(ratio)}** (${limit}: ${isMet ? "met" : "missed"})`;
}

function formatSample(sample: Sample | undefined): string {
  if (sample === undefined) return "";
  const { median, least, greatest } = sample;
  return `${formatNumber(median)} (${formatNumber(least)} – ${formatNumber(greatest)})`;
}

function formatNumber(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(value >= 1 ? 3 : 2);
}
