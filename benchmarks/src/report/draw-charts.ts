import type { Answer, Chart } from "../question.js";
import { formatNumber } from "./format-number.js";

const WIDTH = 420;
const HEIGHT = 280;
const COLUMNS = 2;
const LEFT = 56;
const RIGHT = 24;
const TOP = 64;
const BOTTOM = 52;
const COLOURS = ["#0b62c4", "#c4510b", "#3a7d34", "#7a3fa0"];

/** The charts of some answers, as one SVG picture. The upright axis is logarithmic: a line that rises by so much is so many times dearer. */
export function drawCharts(answers: readonly Answer[]): string {
  const charts = answers.flatMap(({ question, samples }) =>
    question.chart === undefined ? [] : [{ chart: question.chart, samples }],
  );
  const rows = Math.ceil(charts.length / COLUMNS);
  const panels = charts.map(({ chart, samples }, index) => {
    const x = (index % COLUMNS) * WIDTH;
    const y = Math.floor(index / COLUMNS) * HEIGHT;
    return `<g transform="translate(${x} ${y})">${drawChart(chart, samples)}</g>`;
  });
  const width = COLUMNS * WIDTH;
  const height = rows * HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="11">`,
    "<title>What a change costs, while other things grow</title>",
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...panels,
    "</svg>\n",
  ].join("\n");
}

interface Point {
  readonly label: string;
  readonly value: number | undefined;
}

function drawChart(chart: Chart, samples: Answer["samples"]): string {
  const lines = chart.lines.map(({ name, points }) => ({
    name,
    points: points.map(
      ([label, caseName]): Point => ({ label, value: samples.get(caseName)?.get(chart.figure)?.median }),
    ),
  }));
  const values = lines.flatMap(({ points }) =>
    points.flatMap(({ value }) => (value === undefined ? [] : [value])),
  );
  const labels = lines[0]?.points.map(({ label }) => label) ?? [];
  const ticks = ticksAround(values);
  const lowest = Math.log(ticks[0] as number);
  const highest = Math.log(ticks.at(-1) as number);
  const bottom = HEIGHT - BOTTOM;
  const xOf = (index: number): number =>
    LEFT + 24 + (index * (WIDTH - LEFT - RIGHT - 48)) / Math.max(labels.length - 1, 1);
  const yOf = (value: number): number =>
    round(bottom - ((Math.log(value) - lowest) / (highest - lowest)) * (bottom - TOP));
  return [
    text(LEFT, 20, chart.title, 'font-size="13" font-weight="bold"'),
    text(LEFT, 36, chart.figure, 'fill="#555555"'),
    ...ticks.flatMap((tick) => [
      `<line x1="${LEFT}" y1="${yOf(tick)}" x2="${WIDTH - RIGHT}" y2="${yOf(tick)}" stroke="#dddddd"/>`,
      text(LEFT - 6, yOf(tick) + 4, formatNumber(tick), 'text-anchor="end" fill="#555555"'),
    ]),
    ...labels.map((label, index) =>
      text(round(xOf(index)), bottom + 18, label, 'text-anchor="middle" fill="#555555"'),
    ),
    text((LEFT + WIDTH - RIGHT) / 2, bottom + 38, chart.growing, 'text-anchor="middle"'),
    ...lines.flatMap(({ name, points }, line) => {
      const colour = COLOURS[line % COLOURS.length] as string;
      const drawn = points.flatMap(({ value }, index) =>
        value === undefined ? [] : [{ x: round(xOf(index)), y: yOf(value), value }],
      );
      const legend = LEFT + line * 190;
      return [
        `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${drawn.map(({ x, y }) => `${x},${y}`).join(" ")}"/>`,
        ...drawn.map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`),
        ...drawn.map(({ x, y, value }) =>
          text(x, y - 8, formatNumber(value), `text-anchor="middle" fill="${colour}"`),
        ),
        `<rect x="${legend}" y="44" width="12" height="4" fill="${colour}"/>`,
        text(legend + 16, 50, name, `fill="${colour}" font-size="10"`),
      ];
    }),
  ].join("\n");
}

/** 1, 2, 5, 10, 20 …: from below the least value to above the greatest. */
function ticksAround(values: readonly number[]): number[] {
  const least = Math.min(...values, Number.POSITIVE_INFINITY);
  const from = Number.isFinite(least) ? Math.floor(Math.log10(least)) : 0;
  const greatest = Math.max(...values, 10 ** from);
  const all: number[] = [];
  for (let power = from; all.length === 0 || (all.at(-1) as number) < greatest * 1.3; power++) {
    all.push(10 ** power, 2 * 10 ** power, 5 * 10 ** power);
  }
  const first = all.findLastIndex((tick) => tick <= least);
  const last = all.findIndex((tick) => tick >= greatest * 1.3);
  return all.slice(Math.max(first, 0), last + 1);
}

function text(x: number, y: number, content: string, attributes = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
