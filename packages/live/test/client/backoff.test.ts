import { SyncError } from "@tributary/core";
import { Backoff } from "@tributary/live";
import { expect, test } from "vitest";

const clockOf = (random: number) => ({ random: () => random });

test("each wait is at most twice the one before, up to the bound", () => {
  const backoff = new Backoff({ clock: clockOf(1 - Number.EPSILON), minMs: 100, maxMs: 1_000 });
  const waits = Array.from({ length: 6 }, () => Math.round(backoff.next()));
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
});

test("half of a wait is random", () => {
  const backoff = new Backoff({ clock: clockOf(0), minMs: 100, maxMs: 400 });
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([50, 100, 200, 200]);
});

test("after a reset it begins again", () => {
  const backoff = new Backoff({ clock: clockOf(0), minMs: 100, maxMs: 400 });
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(50);
});

test("it never overflows, however often it fails", () => {
  const backoff = new Backoff({ clock: clockOf(0.5) });
  for (let failure = 0; failure < 5_000; failure++) expect(backoff.next()).toBeLessThanOrEqual(30_000);
});

test.each([
  { minMs: 0 },
  { minMs: 100, maxMs: 99 },
  { maxMs: Number.POSITIVE_INFINITY },
  { minMs: Number.NaN },
])("bounds that make no sense are refused: %o", (bounds) => {
  expect(() => new Backoff({ clock: clockOf(0), ...bounds })).toThrow(SyncError);
});
