import { readFileSync, writeFileSync } from "node:fs";

/**
 * The most memory that this process has had at once since `resetPeakMemory`, MB (resident set). Not from `getrusage`, which
 * counts what the process had that this one was forked from.
 */
export function peakMemory(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS / 1024;
  return kilobytes("VmHWM") / 1024;
}

/** Takes what the process has now for its peak. */
export function resetPeakMemory(): void {
  if (process.platform === "linux") writeFileSync("/proc/self/clear_refs", "5");
}

function kilobytes(field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1]);
}
