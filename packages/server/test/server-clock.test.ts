import { expect, test, vi } from "vitest";
import { systemClock } from "../src/server-clock.js";

test("a timer for longer than JavaScript knows does not fire at once", () => {
  vi.useFakeTimers();
  try {
    const fired = vi.fn();
    const timer = systemClock.startTimer(1e12, fired);
    vi.advanceTimersByTime(1e9);
    expect(fired).not.toHaveBeenCalled();
    timer.cancel();
    systemClock.startTimer(1_000, fired);
    vi.advanceTimersByTime(1_000);
    expect(fired).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});
