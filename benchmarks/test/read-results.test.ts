import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sampleOf } from "../src/measure/statistics.js";
import { QUESTIONS } from "../src/questions/questions.js";
import { readResults } from "../src/report/read-results.js";
import { type Results, writeResults } from "../src/report/write-results.js";

const MACHINE = {
  processor: "a processor",
  cores: 2,
  memoryGiB: 3,
  system: "a system",
  node: "20.20.2",
  versions: { turso: "1.2.3" },
  commit: "abc",
};

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tributary-results-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test("results that were read are written as they were", () => {
  const answers = QUESTIONS.map((question, index) => {
    const figures = new Map(
      question.targets.map(({ figure }) => [figure, sampleOf([index + 1, index + 2.5])]),
    );
    return {
      question,
      seconds: index,
      failures: index === 0 ? ["one failed"] : [],
      samples: new Map(question.cases.map(({ name }) => [name, figures])),
    };
  });
  const results: Results = { machine: MACHINE, begun: new Date(1_700_000_000_000), seconds: 100, answers };
  const [first, second] = [temporaryDirectory(), temporaryDirectory()];
  writeResults(results, first);
  writeResults(readResults(first, QUESTIONS), second);
  for (const name of ["results.md", "results.json", "growth.svg"])
    expect(readFileSync(join(second, name), "utf8")).toBe(readFileSync(join(first, name), "utf8"));
  expect(readFileSync(join(second, "results.md"), "utf8")).toContain("one failed");
  expect(() => readResults(first, QUESTIONS.slice(1))).toThrow("unknown question, push-10000");
});
