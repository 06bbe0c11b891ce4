import { expect, test } from "vitest";
import { atScale, chooseQuestions } from "../src/choose-questions.js";
import type { Question } from "../src/question.js";
import { QUESTIONS } from "../src/questions/questions.js";

const names = (questions: readonly Question[]): string[] => questions.map(({ name }) => name);

test("questions are chosen by the beginnings of their names, in their own order", () => {
  expect(names(chooseQuestions(QUESTIONS, ["pull-one", "push"]))).toEqual([
    "push-10000",
    "push-200000",
    "push-one",
    "pull-one",
  ]);
  expect(chooseQuestions(QUESTIONS, [])).toBe(QUESTIONS);
});

test("a name that is nobody's is an error, whatever else is named", () => {
  expect(() => chooseQuestions(QUESTIONS, ["push", "pul-one"])).toThrow("there is no question pul-one");
});

test("every target, and every point of a chart, is about cases of its question", () => {
  for (const { cases, targets, chart } of QUESTIONS) {
    const all = cases.map(({ name }) => name);
    expect(new Set(all).size).toBe(all.length);
    const named = [
      ...targets.flatMap(({ of, against = [] }) => [of, against].flat()),
      ...(chart?.lines ?? []).flatMap(({ points }) => points.map(([, name]) => name)),
    ];
    expect(all).toEqual(expect.arrayContaining(named));
  }
});

test("the short form leaves out what differs by its amounts only", () => {
  const short = names(atScale(QUESTIONS, "short"));
  expect(short).toContain("push-10000");
  expect(short).not.toContain("push-200000");
  expect(atScale(QUESTIONS, "full")).toBe(QUESTIONS);
});
