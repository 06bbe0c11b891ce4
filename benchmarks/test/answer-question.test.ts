import { expect, test } from "vitest";
import { answerQuestion } from "../src/measure/answer-question.js";
import type { Case, Question } from "../src/question.js";

function questionOf(cases: readonly Case[]): Question {
  return { name: "q", title: "Q", cases, targets: [] };
}

test("cases take turns, and one with fewer rounds leaves the later ones out", async () => {
  const told: string[] = [];
  let runs = 0;
  const a: Case = { name: "a", run: async () => ({ "taken, ms": ++runs }) };
  const b: Case = { name: "b", run: async () => ({ "taken, ms": ++runs }), rounds: 2 };
  const answer = await answerQuestion(questionOf([a, b]), "full", 3, (name, round) =>
    told.push(`${name}${round}`),
  );
  expect(told).toEqual(["a1", "b1", "a2", "b2", "a3"]);
  expect(answer.samples.get("a")?.get("taken, ms")?.values).toEqual([1, 3, 5]);
  expect(answer.samples.get("b")?.get("taken, ms")?.median).toBe(3);
  expect(answer.failures).toEqual([]);
});

test("a run that fails is named, and the others go on", async () => {
  const fails: Case = { name: "fails", run: () => Promise.reject(new Error("no disk")) };
  const works: Case = { name: "works", run: async (scale) => ({ size: scale === "short" ? 1 : 2 }) };
  const answer = await answerQuestion(questionOf([fails, works]), "short", 2, () => {});
  expect(answer.failures).toEqual(["fails, round 1: no disk", "fails, round 2: no disk"]);
  expect(answer.samples.get("fails")?.size).toBe(0);
  expect(answer.samples.get("works")?.get("size")?.values).toEqual([1, 1]);
});

test("what runs share is made once, and ended after the last one", async () => {
  const log: string[] = [];
  const one: Case = {
    name: "one",
    async run(_scale, shared) {
      await shared.use("server", async () => {
        log.push("made");
        return { end: async () => void log.push("ended") };
      });
      log.push("run");
      return {};
    },
  };
  await answerQuestion(questionOf([one]), "full", 2, () => {});
  expect(log).toEqual(["made", "run", "run", "ended"]);
});

test("what could not be made for sharing fails its cases and nothing else", async () => {
  const one: Case = {
    name: "one",
    run: async (_scale, shared) => {
      await shared.use("server", () => Promise.reject(new Error("no port")));
      return {};
    },
  };
  const { failures } = await answerQuestion(questionOf([one]), "full", 1, () => {});
  expect(failures).toEqual(["one, round 1: no port"]);
});
