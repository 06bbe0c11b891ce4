import { SyncError } from "@tributary/core";
import type { ReplicaOptions } from "./replica-options.js";

/** Options that are whole numbers, with the smallest value each may have. */
const NUMBERS = {
  longPollTimeoutMs: 0,
  pushOperationsThreshold: 1,
  pullBytesThreshold: 4096,
  lockTimeoutMs: 0,
  checkpointThresholdBytes: 4096,
} as const;

/** Fails with `invalid-option`, naming every option that cannot be. */
export function checkOptions(options: ReplicaOptions): void {
  const mistakes: string[] = [];
  if (typeof options.path !== "string" || options.path === "") mistakes.push("`path` must be a file path");
  if (options.path === ":memory:") mistakes.push("`path` must be a file: a replica cannot live in memory");
  if (options.url !== null && typeof options.url !== "string" && typeof options.url !== "function") {
    mistakes.push("`url` must be a URL, null or a function");
  }
  if (options.clientName !== undefined && !/^[\w.-]{1,64}$/.test(options.clientName)) {
    mistakes.push("`clientName` must be 1 to 64 letters, digits, dots, dashes or underscores");
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    mistakes.push("`signal` must be an AbortSignal");
  }
  if (options.onProgress !== undefined && typeof options.onProgress !== "function") {
    mistakes.push("`onProgress` must be a function");
  }
  for (const [name, least] of Object.entries(NUMBERS)) {
    const value = options[name as keyof typeof NUMBERS];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least)) {
      mistakes.push(`\`${name}\` must be a whole number of at least ${least}`);
    }
  }
  if (mistakes.length > 0) throw new SyncError("invalid-option", `openReplica: ${mistakes.join("; ")}.`);
}
