import { type ServerClock, systemClock } from "./server-clock.js";
import { ServerError } from "./server-error.js";

/** Options of `createSyncServer`. */
export interface SyncServerOptions {
  /** The SQLite file. It is created if it does not exist; its directory must. */
  readonly path: string;
  /** How long a Hrana stream may lie idle before it is rolled back and closed, ms. Default 10 000. */
  readonly streamIdleTimeoutMs?: number;
  /** How long a write waits for another transaction to end before it fails with SQLITE_BUSY, ms. Default 5 000. */
  readonly lockTimeoutMs?: number;
  /** How long after its last use a revision can still be asked for by name, ms. Default 60 000. */
  readonly snapshotRetentionMs?: number;
  /**
   * Revisions that are merely retained are given up when the WAL, which holds them, is longer than this, bytes. No less
   * than `walLimitBytes`. Default: eight times that.
   */
  readonly snapshotRetentionBytes?: number;
  /**
   * The WAL is checkpointed once it is longer than this, bytes. Default 16 MiB. A download that is under way holds a
   * checkpoint back, and so do revisions that are retained, up to `snapshotRetentionBytes`.
   */
  readonly walLimitBytes?: number;
  /** Longest request body, bytes. Default 256 MiB. */
  readonly maxBodyBytes?: number;
  /** Longest time a long-poll is held, ms, whatever the client asks for. Default 300 000. */
  readonly maxLongPollMs?: number;
  /** How many Hrana streams may be open from one request to the next; opening one more closes the idlest outside a transaction. Default 128. */
  readonly maxStreams?: number;
  /** Longest answer to one pipeline, bytes of JSON, roughly. A statement with more fails with RESPONSE_TOO_LARGE. Default 64 MiB. */
  readonly maxResponseBytes?: number;
  /**
   * A download whose client takes nothing for this long ends with an error, ms; 0: never. What is taken at once is
   * 256 KiB. Default 30 000.
   */
  readonly downloadStallTimeoutMs?: number;
  /**
   * Origins (`https://app.example`) whose pages may send requests, beside the one of the request itself. Browsers name
   * the origin; requests that name none are let through. Default none.
   */
  readonly allowedOrigins?: readonly string[];
  /** How often the file is looked at for commits of other programs, and whether it is still there, ms; 0: never. Default 1 000. */
  readonly foreignCommitCheckMs?: number;
  /** Where time comes from. */
  readonly clock?: ServerClock;
}

/** Options with every default filled in. */
export type ResolvedServerOptions = Required<SyncServerOptions>;

const DEFAULTS = {
  streamIdleTimeoutMs: 10_000,
  lockTimeoutMs: 5_000,
  snapshotRetentionMs: 60_000,
  walLimitBytes: 16 * 1024 * 1024,
  maxBodyBytes: 256 * 1024 * 1024,
  maxLongPollMs: 300_000,
  maxStreams: 128,
  maxResponseBytes: 64 * 1024 * 1024,
  downloadStallTimeoutMs: 30_000,
  foreignCommitCheckMs: 1_000,
} as const;

/** Fills in the defaults. Throws `ServerError` "invalid-option". */
export function resolveServerOptions(options: SyncServerOptions): ResolvedServerOptions {
  const given = definedOnly(options);
  const resolved = {
    ...DEFAULTS,
    snapshotRetentionBytes: 8 * (given.walLimitBytes ?? DEFAULTS.walLimitBytes),
    clock: systemClock,
    allowedOrigins: [],
    ...given,
  } as ResolvedServerOptions;
  if (typeof resolved.path !== "string" || resolved.path.trim() === "" || resolved.path === ":memory:") {
    throw new ServerError("invalid-option", "path must name a file");
  }
  const numbers = [
    ...(Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]),
    "snapshotRetentionBytes" as const,
  ];
  for (const name of numbers) {
    const value = resolved[name];
    if (!Number.isFinite(value) || value < 0) {
      throw new ServerError("invalid-option", `${name} must be a number of 0 or more, not ${String(value)}`);
    }
  }
  checkOrigins(resolved.allowedOrigins);
  return resolved;
}

function checkOrigins(origins: unknown): void {
  if (!Array.isArray(origins)) throw new ServerError("invalid-option", "allowedOrigins must be an array");
  for (const origin of origins as unknown[]) {
    if (typeof origin === "string" && URL.canParse(origin) && new URL(origin).origin === origin) continue;
    throw new ServerError(
      "invalid-option",
      `allowedOrigins must hold origins such as "https://app.example", not ${JSON.stringify(origin)}`,
    );
  }
}

function definedOnly(options: SyncServerOptions): Partial<SyncServerOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
