import { expect, test } from "vitest";
import { sampleOf } from "../src/measure/statistics.js";
import type { Answer, Target } from "../src/question.js";
import { formatAnswer } from "../src/report/format-answer.js";
import { judgeTarget } from "../src/report/judge-target.js";

const SAMPLES: Answer["samples"] = new Map([
  ["ours", new Map([["push, ms", sampleOf([12, 10, 11])]])],
  ["theirs", new Map([["push, ms", sampleOf([100, 110, 120])]])],
  ["failed", new Map()],
]);

function answerTo(targets: readonly Target[], failures: readonly string[] = []): Answer {
  const cases = ["ours", "theirs", "failed"].map((name) => ({ name, run: async () => ({}) }));
  return { question: { name: "q", title: "Push", cases, targets }, samples: SAMPLES, failures, seconds: 1 };
}

test.each<[string, Target, { value: number | undefined; isMet: boolean; missedBy: number | undefined }]>([
  [
    "a ratio",
    { figure: "push, ms", of: "ours", against: "theirs", atMost: 0.1 },
    { value: 0.1, isMet: true, missedBy: 1 },
  ],
  [
    "a ratio",
    { figure: "push, ms", of: "ours", against: "theirs", atMost: 0.05 },
    { value: 0.1, isMet: false, missedBy: 2 },
  ],
  [
    "a least ratio",
    { figure: "push, ms", of: "theirs", against: "ours", atLeast: 20 },
    { value: 10, isMet: false, missedBy: 2 },
  ],
  ["a figure", { figure: "push, ms", of: "ours", atMost: 22 }, { value: 11, isMet: true, missedBy: 0.5 }],
  [
    "the best of several",
    { figure: "push, ms", of: ["theirs", "ours", "failed"], atMost: 22 },
    { value: 11, isMet: true, missedBy: 0.5 },
  ],
  [
    "a figure that is not there",
    { figure: "push, ms", of: "failed", atMost: 1 },
    { value: undefined, isMet: false, missedBy: undefined },
  ],
  [
    "a peer that failed",
    { figure: "push, ms", of: "ours", against: "failed", atMost: 1 },
    { value: undefined, isMet: false, missedBy: undefined },
  ],
])("judges %s: %j", (_, target, expected) => {
  expect(judgeTarget(target, SAMPLES)).toMatchObject(expected);
});

test("the greatest of several counts where more is better", () => {
  const verdict = judgeTarget({ figure: "push, ms", of: ["ours", "theirs"], atLeast: 50 }, SAMPLES);
  expect(verdict).toMatchObject({ of: "theirs", value: 110, isMet: true });
});

test("a table has the median and the spread, and each target its verdict", () => {
  const targets: Target[] = [
    { figure: "push, ms", of: "ours", against: "theirs", atMost: 0.2 },
    { figure: "push, ms", of: "ours", atMost: 5 },
    { figure: "push, ms", of: "failed", atMost: 5 },
  ];
  const text = formatAnswer(answerTo(targets, ["failed, round 1: no disk"]), {
    judges: true,
    explanation: "The disk bounds it.\n",
  });
  expect(text).toBe(`## Push

|  | push, ms |
| --- | ---: |
| ours | 11 (10 – 12) |
| theirs | 110 (100 – 120) |
| failed |  |

- **Failed**: failed, round 1: no disk

- push, ms, ours : theirs = **0.10** (at most 0.20: met)
- push, ms, ours = **11** (at most 5: missed by a factor of 2.20)
- push, ms, failed: **no figure** (at most 5)

The disk bounds it.
`);
});

test("an explanation is not needed where everything is met", () => {
  const target: Target = { figure: "push, ms", of: "ours", atMost: 50 };
  const text = formatAnswer(answerTo([target]), { judges: true, explanation: "The disk bounds it." });
  expect(text).not.toContain("bounds");
});

test("nothing is judged in the short form", () => {
  const target: Target = { figure: "push, ms", of: "ours", atMost: 1 };
  expect(formatAnswer(answerTo([target]), { judges: false })).not.toContain("at most");
});
