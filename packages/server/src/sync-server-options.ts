import { availableParallelism } from "node:os";
import type { Channel } from "@tributary/core";
import type { AccessGrant, Authorize } from "./access/access.js";
import { type LibsqlOption, mistakesOfLibsql } from "./libsql-options.js";
import type { RequestReport } from "./request-report.js";
import { type ServerClock, systemClock } from "./server-clock.js";
import { ServerError } from "./server-error.js";

/** Options of `createSyncServer`: exactly one of `path` and `dataDirectory`, everything else has a default. */
export interface SyncServerOptions {
  /** Serves this one SQLite file, by the name `default`. It is created if it does not exist; its directory must. */
  readonly path?: string;
  /** Serves many databases, kept below this directory, which is created if it does not exist. */
  readonly dataDirectory?: string;
  /** Whether a database that does not exist is created when somebody who may write asks for it. Default false. */
  readonly createOnUse?: boolean;
  /**
   * With `dataDirectory`: requests to the host `<name>.<domain>` mean the database of that name, such as
   * `sync.example.com` for `acme.sync.example.com`. Default: only the path names it, as `/acme/v2/pipeline`.
   */
  readonly domain?: string;

  /** Decides who may do what. Default: everybody may write, and nobody administers over HTTP. */
  readonly authorize?: Authorize;
  /**
   * Origins (`https://app.example`) whose pages may send requests, beside the one of the request itself; `*` for all.
   * Browsers name the origin; requests that name none are let through. They get CORS headers. Default none.
   */
  readonly allowedOrigins?: readonly string[];

  /**
   * How many processes run SQL at most. They are started when they are needed. Each runs one request at a time and belongs
   * to one database while it has work, until there are no more of them. 0: SQL runs in the calling thread, which nothing
   * can interrupt. Default: two for each processor, at least eight.
   */
  readonly maxWorkers?: number;
  /** A process that runs SQL is ended when it has had nothing to do for this long, ms. Default 30 000. */
  readonly workerIdleTimeoutMs?: number;
  /**
   * A single statement that runs for longer is ended with SQLITE_INTERRUPT, ms; 0: never. Its process is ended for that,
   * and with it other streams that happen to live there. Default 60 000.
   */
  readonly statementTimeoutMs?: number;
  /**
   * A transaction that has held the write lock for longer is rolled back (TRANSACTION_TIMEOUT) once another writer waits
   * and no request of its own is running, ms; one that only reads, once the WAL is longer than `snapshotRetentionBytes`.
   * Default 5 000.
   */
  readonly transactionTimeoutMs?: number;
  /**
   * The same for a transaction that a request of its own is working on, such as a large push, ms; 0: never. It hears of it
   * between two statements. Default 60 000.
   */
  readonly maxTransactionMs?: number;
  /** How long a write waits for another transaction to end before it fails with SQLITE_BUSY, ms. Default 10 000. */
  readonly lockTimeoutMs?: number;
  /**
   * How long a Hrana stream may lie idle before it is rolled back and closed, ms; one of a socket only where a transaction or
   * a cursor is open on it. Default 10 000.
   */
  readonly streamIdleTimeoutMs?: number;
  /** How many Hrana streams of a database may be open from one request to the next; opening one more closes the idlest outside a transaction. Default 128. */
  readonly maxStreams?: number;

  /** Longest request body, bytes. Default 256 MiB. */
  readonly maxBodyBytes?: number;
  /** Longest database that can be uploaded, bytes. Default 16 GiB. */
  readonly maxImportBytes?: number;
  /** A request whose body does not go on for this long is given up with 408, ms; 0: never. Default 30 000. */
  readonly bodyStallTimeoutMs?: number;
  /** How many statements one request may hold: steps of batches, and requests of a pipeline. Default 500 000. */
  readonly maxStatements?: number;
  /** Longest answer to one request, bytes of JSON, roughly. A statement with more fails with RESPONSE_TOO_LARGE. Default 64 MiB. */
  readonly maxResponseBytes?: number;
  /** Longest row that is read or bound, bytes, roughly. Default 16 MiB. */
  readonly maxRowBytes?: number;
  /**
   * How many requests to one database are served at once, those that merely wait for a commit aside; 429 beyond. As many
   * streams may be open on sockets; one more is refused with TOO_MANY_REQUESTS. 0: no limit. Default 1 000.
   */
  readonly maxRequestsPerDatabase?: number;
  /** The same for one client: who `authorize` says it is, else the remote address. 0: no limit. Default 256. */
  readonly maxRequestsPerClient?: number;
  /** How many requests may wait for a commit of one database; 429 beyond. 0: no limit. Default 20 000. */
  readonly maxWaiters?: number;
  /** How many sockets may be open at once; one more is answered with 503. Default 10 000. */
  readonly maxSockets?: number;
  /** Longest message on a socket, bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** A socket that has not said hello for this long is closed, ms. Default 10 000. */
  readonly helloTimeoutMs?: number;

  /**
   * Either end of a live channel says something at least this often; one that is silent for twice as long is taken for gone,
   * ms. Proxies end connections on which nothing is said for 50 or 60 s. Default 45 000.
   */
  readonly keepAliveMs?: number;
  /** How many databases and change streams may be open on one live channel. Default 256. */
  readonly maxSubscriptions?: number;
  /**
   * Serves change streams on live channels: takes over a duplex for a database that the client may read, and rejects to
   * refuse it, with a `LiveRefusal` to say why. `linkStreams` and the hub of `@tributary/streams` take such a channel.
   * Default: there are none.
   */
  readonly streams?: (database: string, channel: Channel, grant: AccessGrant) => Promise<void>;

  /** How the clients of libSQL are served: for all databases, or by name. Default: `{ offline: "merge", probe: "offline" }`. */
  readonly libsql?: LibsqlOption;
  /** How many offline replicas of libSQL one database may have, in merge mode; 429 for one more. Default 1 000. */
  readonly maxOfflineReplicas?: number;
  /**
   * What is kept for an offline replica is deleted when the same device has begun another one since, and this one was not
   * used for as long, ms. Default 30 days.
   */
  readonly offlineReplicaRetentionMs?: number;

  /** How many databases are open at once; the one that was idle longest is closed for another, 503 if all are in use. Default 200. */
  readonly maxOpenDatabases?: number;
  /** A database that nobody has used for this long is closed, ms; it is opened again at the next request. Default 300 000. */
  readonly databaseIdleTimeoutMs?: number;
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
  /** Longest time a long-poll is held, ms, whatever the client asks for. Default 300 000. */
  readonly maxLongPollMs?: number;
  /**
   * A download whose client takes nothing for this long ends with an error, ms; 0: never. What is taken at once is
   * 256 KiB. Default 30 000.
   */
  readonly downloadStallTimeoutMs?: number;
  /** How often an open database is looked at for commits of other programs, and whether it is still there, ms; 0: never. Default 1 000. */
  readonly foreignCommitCheckMs?: number;

  /** Told of each request when its answer has begun. What it throws is nobody's to catch. Default: nothing is told. */
  readonly onRequest?: (report: RequestReport) => void;
  /** Where time comes from. */
  readonly clock?: ServerClock;
}

/** Options with every default filled in. */
export type ResolvedServerOptions = Required<
  Omit<SyncServerOptions, "path" | "dataDirectory" | "domain" | "onRequest" | "authorize" | "streams">
> &
  Pick<SyncServerOptions, "path" | "dataDirectory" | "domain" | "onRequest" | "authorize" | "streams">;

/** What one database needs of them. */
export type DatabaseOptions = Omit<ResolvedServerOptions, "path"> & { readonly path: string };

const KIB = 1024;
const MIB = 1024 * KIB;

const DEFAULTS = {
  maxWorkers: Math.max(8, 2 * availableParallelism()),
  workerIdleTimeoutMs: 30_000,
  statementTimeoutMs: 60_000,
  transactionTimeoutMs: 5_000,
  maxTransactionMs: 60_000,
  lockTimeoutMs: 10_000,
  streamIdleTimeoutMs: 10_000,
  maxStreams: 128,
  maxBodyBytes: 256 * MIB,
  maxImportBytes: 16 * KIB * MIB,
  bodyStallTimeoutMs: 30_000,
  maxStatements: 500_000,
  maxResponseBytes: 64 * MIB,
  maxRowBytes: 16 * MIB,
  maxRequestsPerDatabase: 1_000,
  maxRequestsPerClient: 256,
  maxWaiters: 20_000,
  maxSockets: 10_000,
  maxMessageBytes: 16 * MIB,
  helloTimeoutMs: 10_000,
  keepAliveMs: 45_000,
  maxSubscriptions: 256,
  maxOfflineReplicas: 1_000,
  offlineReplicaRetentionMs: 30 * 86_400_000,
  maxOpenDatabases: 200,
  databaseIdleTimeoutMs: 300_000,
  snapshotRetentionMs: 60_000,
  walLimitBytes: 16 * MIB,
  maxLongPollMs: 300_000,
  downloadStallTimeoutMs: 30_000,
  foreignCommitCheckMs: 1_000,
} as const;

/** Fills in the defaults. Throws `ServerError` "invalid-option", which lists everything that is wrong. */
export function resolveServerOptions(options: SyncServerOptions): ResolvedServerOptions {
  const given = definedOnly(options);
  const resolved = {
    ...DEFAULTS,
    snapshotRetentionBytes: 8 * (given.walLimitBytes ?? DEFAULTS.walLimitBytes),
    createOnUse: false,
    clock: systemClock,
    allowedOrigins: [],
    libsql: {},
    ...given,
  } as ResolvedServerOptions;
  const mistakes = [
    ...mistakesOfPlace(resolved),
    ...mistakesOfNumbers(resolved),
    ...mistakesOfOrigins(resolved.allowedOrigins),
    ...mistakesOfLibsql(resolved.libsql),
  ];
  if (mistakes.length > 0) throw new ServerError("invalid-option", mistakes.join("; "));
  return resolved;
}

function mistakesOfPlace({ path, dataDirectory, domain }: ResolvedServerOptions): string[] {
  const mistakes: string[] = [];
  if ((path === undefined) === (dataDirectory === undefined)) {
    mistakes.push("exactly one of path and dataDirectory must be given");
  }
  if (path !== undefined && (!isFilled(path) || path === ":memory:")) mistakes.push("path must name a file");
  if (dataDirectory !== undefined && !isFilled(dataDirectory))
    mistakes.push("dataDirectory must name a directory");
  if (domain === undefined) return mistakes;
  if (dataDirectory === undefined) mistakes.push("domain needs dataDirectory");
  if (typeof domain !== "string" || !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain)) {
    mistakes.push(
      `domain must be a host name in lower case, such as "sync.example.com", not ${JSON.stringify(domain)}`,
    );
  }
  return mistakes;
}

function isFilled(text: unknown): boolean {
  return typeof text === "string" && text.trim() !== "";
}

function mistakesOfNumbers(options: ResolvedServerOptions): string[] {
  const names = [...(Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]), "snapshotRetentionBytes" as const];
  return names
    .filter((name) => !Number.isFinite(options[name]) || options[name] < leastOf(name))
    .map((name) => `${name} must be a number of ${leastOf(name)} or more, not ${String(options[name])}`);
}

function leastOf(name: string): number {
  return name === "maxOpenDatabases" || name === "keepAliveMs" ? 1 : 0;
}

function mistakesOfOrigins(origins: unknown): string[] {
  if (!Array.isArray(origins)) return ["allowedOrigins must be an array"];
  return (origins as unknown[])
    .filter((origin) => origin !== "*" && !isOrigin(origin))
    .map(
      (origin) =>
        `allowedOrigins must hold origins such as "https://app.example", or "*", not ${JSON.stringify(origin)}`,
    );
}

function isOrigin(text: unknown): boolean {
  return typeof text === "string" && URL.canParse(text) && new URL(text).origin === text;
}

function definedOnly(options: SyncServerOptions): Partial<SyncServerOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
