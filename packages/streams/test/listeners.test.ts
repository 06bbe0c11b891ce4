import { expect, it, onTestFinished } from "vitest";
import { Listeners } from "../src/listeners.js";

/** Collects what would end the process. */
function collectUncaught(): unknown[] {
  const others = process.listeners("uncaughtException");
  const caught: unknown[] = [];
  const collect = (error: unknown): void => void caught.push(error);
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", collect);
  onTestFinished(() => {
    process.off("uncaughtException", collect);
    for (const other of others) process.on("uncaughtException", other);
  });
  return caught;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("tells each listener once per commit, after the statement", async () => {
  const listeners = new Listeners();
  const told: string[] = [];
  listeners.add(() => told.push("a"));
  const end = listeners.add(() => told.push("b"));
  listeners.note();
  listeners.note();
  expect(told).toEqual([]);
  await turn();
  expect(told).toEqual(["a", "b", "a", "b"]);
  end();
  listeners.note();
  await turn();
  expect(told.slice(4)).toEqual(["a"]);
});

it("tells the others when one throws, and the error is nobody's", async () => {
  const uncaught = collectUncaught();
  const listeners = new Listeners();
  let told = 0;
  listeners.add(() => {
    throw new Error("mine");
  });
  listeners.add(() => void told++);
  listeners.note();
  await turn();
  expect(told).toBe(1);
  expect(uncaught).toEqual([new Error("mine")]);
});

it("tells nobody after its end, nor who was ended by another listener", async () => {
  const listeners = new Listeners();
  const told: string[] = [];
  listeners.add(() => {
    told.push("a");
    end();
  });
  const end = listeners.add(() => told.push("b"));
  listeners.note();
  await turn();
  expect(told).toEqual(["a"]);
  listeners.note();
  listeners.close();
  await turn();
  expect(told).toEqual(["a"]);
});
