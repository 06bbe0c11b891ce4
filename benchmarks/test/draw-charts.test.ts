import { expect, test } from "vitest";
import { sampleOf } from "../src/measure/statistics.js";
import type { Answer } from "../src/question.js";
import { drawCharts } from "../src/report/draw-charts.js";

function answerWith(values: Readonly<Record<string, number>>): Answer {
  const line = (name: string) => ({
    name,
    points: ["1", "1,000"].map((label) => [label, `${name}, ${label}`] as const),
  });
  return {
    question: {
      name: "q",
      title: "Q",
      cases: [],
      targets: [],
      chart: { title: "Pull <one>", growing: "MB", figure: "p50, ms", lines: [line("ours"), line("theirs")] },
    },
    samples: new Map(
      Object.entries(values).map(([name, value]) => [name, new Map([["p50, ms", sampleOf([value])]])]),
    ),
    failures: [],
    seconds: 1,
  };
}

test("a flat line is flat, a line that rises rises, and both are within the picture", () => {
  const svg = drawCharts([
    answerWith({ "ours, 1": 2, "ours, 1,000": 2, "theirs, 1": 10, "theirs, 1,000": 100 }),
  ]);
  const lines = [...svg.matchAll(/<polyline[^>]* points="([^"]*)"/g)].map(([, points = ""]) =>
    points.split(" ").map((point) => point.split(",").map(Number)),
  );
  const [[from, to] = [], [least, most] = []] = lines;
  expect(from?.[1]).toBe(to?.[1]);
  expect(least?.[1]).toBeGreaterThan(most?.[1] as number);
  expect(from?.[0]).toBeLessThan(to?.[0] as number);
  for (const [x = -1, y = -1] of lines.flat()) {
    expect(x).toBeGreaterThan(0);
    expect(x).toBeLessThan(420);
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThan(280);
  }
  expect(svg).toContain("Pull &lt;one>");
});

test("a point without a figure is left out, and no value is drawn as a number that is none", () => {
  const svg = drawCharts([answerWith({ "ours, 1": 2 }), answerWith({})]);
  expect(svg.match(/<circle/g)).toHaveLength(1);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test("what has no chart is not drawn", () => {
  const { samples, failures, seconds } = answerWith({});
  const question = { name: "q", title: "Q", cases: [], targets: [] };
  expect(drawCharts([{ question, samples, failures, seconds }])).not.toContain("<g");
});
