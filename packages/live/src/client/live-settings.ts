import { PAGE_SIZE, SyncError } from "@tributary/core";
import { type LiveClock, systemClock } from "../live-clock.js";
import type { LiveClientOptions } from "./live-client.js";

/** The options, complete and valid. */
export interface LiveSettings {
  readonly connect: LiveClientOptions["connect"];
  readonly endpoint: string;
  readonly authToken: LiveClientOptions["authToken"];
  readonly clientName: string;
  readonly timeoutMs: number;
  readonly creditBytes: number;
  readonly clock: LiveClock;
}

/** Throws `SyncError` `invalid-option`. */
export function resolveLiveSettings(options: LiveClientOptions): LiveSettings {
  if (typeof options.connect !== "function") throw invalid("connect must be a function");
  const { creditBytes = 4 * 1024 * 1024 } = options;
  return {
    connect: options.connect,
    endpoint: options.endpoint,
    authToken: options.authToken,
    clientName: options.clientName ?? "tributary",
    timeoutMs: positive("timeoutMs", options.timeoutMs ?? 30_000),
    // Less than a page could never be used up.
    creditBytes: Math.max(positive("creditBytes", creditBytes), PAGE_SIZE),
    clock: options.clock ?? systemClock,
  };
}

/**
 * Asks for a token; `undefined`: there is none. Rejects with `SyncError`: `unauthorized` when the host could not give
 * one, `invalid-option` when it gave something else.
 */
export async function askToken({ authToken }: LiveSettings): Promise<string | undefined> {
  let token: unknown;
  try {
    token = typeof authToken === "function" ? await authToken() : authToken;
  } catch (error) {
    if (error instanceof SyncError) throw error;
    throw new SyncError("unauthorized", "authToken() failed.", { cause: error });
  }
  if (token == null || token === "") return undefined;
  if (typeof token !== "string") throw invalid("authToken is, or gave, something else than a string");
  return token;
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalid(`${name} must be a positive integer, not ${value}`);
}

function invalid(message: string): SyncError {
  return new SyncError("invalid-option", message);
}
