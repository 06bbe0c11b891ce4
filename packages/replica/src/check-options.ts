import { type RepairOptions, SyncError } from "@tributary/core";
import type { ReplicaOptions } from "./replica-options.js";

/** Options that are whole numbers, with the smallest value each may have. */
const NUMBERS = {
  longPollTimeoutMs: 0,
  pushOperationsThreshold: 1,
  pullBytesThreshold: 4096,
  lockTimeoutMs: 0,
  checkpointThresholdBytes: 4096,
} as const;

const BOOLEANS = ["bootstrapIfEmpty", "repair", "acceptLoss", "live", "webSocket", "takeOver"] as const;
const FUNCTIONS = ["transform", "onProgress", "fetch"] as const;
const SYNCHRONOUS = ["OFF", "NORMAL", "FULL", "EXTRA"];

/** Fails with `invalid-option`, naming every option that cannot be. `caller` is the function that was given them. */
export function checkOptions(caller: string, options: ReplicaOptions & RepairOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new SyncError("invalid-option", `${caller}: give it an object with \`path\` and \`url\`.`);
  }
  const mistakes: string[] = [];
  for (const name of BOOLEANS) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "boolean") mistakes.push(`\`${name}\` must be true or false`);
  }
  for (const name of FUNCTIONS) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "function") mistakes.push(`\`${name}\` must be a function`);
  }
  const { ignoreTables, database } = options as { ignoreTables?: unknown; database?: unknown };
  const isNames = Array.isArray(ignoreTables) && ignoreTables.every((name) => typeof name === "string");
  if (ignoreTables !== undefined && !isNames) mistakes.push("`ignoreTables` must be a list of table names");
  if (database !== undefined && (typeof database !== "object" || database === null)) {
    mistakes.push("`database` must be an object");
  } else {
    const { synchronous = "FULL" } = (database ?? {}) as { synchronous?: unknown };
    if (!SYNCHRONOUS.includes(synchronous as string)) {
      mistakes.push(`\`database.synchronous\` must be one of ${SYNCHRONOUS.join(", ")}`);
    }
  }
  const { streams } = options as { streams?: unknown };
  if (streams !== undefined && (typeof streams !== "object" || streams === null))
    mistakes.push("`streams` must be an object");
  checkProtocol(options, mistakes);
  const { transport } = options as { transport?: unknown };
  if (transport !== undefined) {
    const isRemote = typeof transport === "object" && transport !== null && "startPull" in transport;
    if (typeof transport !== "function" && !isRemote)
      mistakes.push("`transport` must be a function that connects, or `client.replica()` of a live client");
    if (options.url !== null) mistakes.push("`url` must be null where there is a `transport`");
    for (const name of ["fetch", "headers", "webSocket"] as const)
      if (options[name] !== undefined)
        mistakes.push(`\`${name}\` is of no use where there is a \`transport\``);
  }
  if (options.live === true && (options.longPollTimeoutMs ?? 1_000) < 1_000)
    mistakes.push("`longPollTimeoutMs` must be at least 1000 in a live replica");
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
  for (const [name, least] of Object.entries(NUMBERS)) {
    const value = options[name as keyof typeof NUMBERS];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least)) {
      mistakes.push(`\`${name}\` must be a whole number of at least ${least}`);
    }
  }
  if (mistakes.length > 0) throw new SyncError("invalid-option", `${caller}: ${mistakes.join("; ")}.`);
}

function checkProtocol({ protocol, transport, webSocket }: ReplicaOptions, mistakes: string[]): void {
  if (protocol === undefined || protocol === "turso") return;
  if (protocol !== "libsql") mistakes.push("`protocol` must be turso or libsql");
  else if (transport !== undefined) mistakes.push("`protocol` is of no use where there is a `transport`");
  else if (webSocket === true)
    mistakes.push("`webSocket` must be left out or false where `protocol` is libsql");
}
