import { expect, it, onTestFinished } from "vitest";
import { ChangeFeed } from "../../src/live/change-feed.js";
import type { TableChanges } from "../../src/replica-status.js";
import { settled } from "./support/driver-stage.js";

it("tells what changed in one turn together, after it, by source", async () => {
  const feed = new ChangeFeed();
  const told: TableChanges[] = [];
  expect(feed.hasListeners).toBe(false);
  const stop = feed.listen((changes) => void told.push(changes));
  expect(feed.hasListeners).toBe(true);
  feed.note("local", ["a", "b"]);
  feed.note("remote", ["a"]);
  feed.note("local", ["b", "c"]);
  feed.note("local", []);
  expect(told).toEqual([]);
  await settled();
  expect(told).toEqual([
    { source: "local", tables: ["a", "b", "c"] },
    { source: "remote", tables: ["a"] },
  ]);
  stop();
  feed.note("local", ["a"]);
  await settled();
  expect(told).toHaveLength(2);
  expect(feed.hasListeners).toBe(false);
});

it("calls each listener once per listening, and none that was taken away meanwhile", async () => {
  const feed = new ChangeFeed();
  const told: string[] = [];
  const twice = (): void => void told.push("twice");
  feed.listen(twice);
  feed.listen(twice);
  feed.listen(() => stop());
  const stop = feed.listen(() => void told.push("never"));
  feed.note("stream", ["a"]);
  await settled();
  expect(told).toEqual(["twice", "twice"]);
});

it("makes an uncaught exception of what a listener throws, and calls the others", async () => {
  const uncaught: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => void uncaught.push(error));
  onTestFinished(() => {
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener);
  });
  const feed = new ChangeFeed();
  const told: TableChanges[] = [];
  const mistake = new Error("a mistake of the app");
  feed.listen(() => {
    throw mistake;
  });
  feed.listen((changes) => void told.push(changes));
  feed.note("local", ["a"]);
  await settled();
  feed.note("local", ["b"]);
  await settled();
  expect(told.map(({ tables }) => tables)).toEqual([["a"], ["b"]]);
  expect(uncaught).toEqual([mistake, mistake]);
});
