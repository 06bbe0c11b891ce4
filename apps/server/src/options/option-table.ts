import { LIBSQL_OPTIONS } from "./libsql-options.js";
import { LOG_OPTIONS } from "./log-options.js";
import type { OptionEntry } from "./option-entry.js";
import type { KindValues } from "./value-kinds.js";

/**
 * Every option of `tributary-server serve`. The flags, the variables, the keys of the configuration file, the help and the
 * table in docs/SELF_HOSTING.md all come from here, libsql-options.ts and log-options.ts.
 */
const OPTION_TABLE = {
  db: {
    kind: "file",
    group: "What is served",
    description: "Serves this one SQLite file; it is created if it does not exist, its directory must.",
    sync: "path",
  },
  data: {
    kind: "directory",
    group: "What is served",
    description: "Serves many databases, kept below this directory, which is created if it does not exist.",
    sync: "dataDirectory",
  },
  createOnUse: {
    kind: "switch",
    group: "What is served",
    description: "With --data: creates a database when somebody who may write uses it for the first time.",
    default: "false",
    sync: "createOnUse",
  },
  domain: {
    kind: "host",
    group: "What is served",
    description: "With --data: requests to NAME.HOST mean the database NAME. Its path names it otherwise.",
    sync: "domain",
  },

  listen: {
    kind: "address",
    group: "Where it listens",
    description: "Where to listen; port 0 takes any free one.",
    default: "127.0.0.1:8080",
  },
  tlsCert: {
    kind: "file",
    group: "Where it listens",
    description: "Serves HTTPS with this certificate, a PEM file with its chain. Read again on SIGHUP.",
  },
  tlsKey: {
    kind: "file",
    group: "Where it listens",
    description: "The private key of that certificate, a PEM file. Read again on SIGHUP.",
  },
  allowedOrigin: {
    kind: "origins",
    group: "Where it listens",
    description: "Pages of these origins may send requests, beside the server's own. Repeatable; *: all.",
    defaultNote: "none",
    sync: "allowedOrigins",
  },
  trustProxy: {
    kind: "switch",
    group: "Where it listens",
    description:
      "Takes a client's address from the last hop of X-Forwarded-For. Only behind a proxy that sets it.",
    default: "false",
  },

  authTokenFile: {
    kind: "file",
    group: "Who may do what",
    description:
      "Lets in who shows a token of this file: lines of TOKEN ACCESS [DATABASE,…], or a JSON list. Read again on SIGHUP.",
  },
  authTokens: {
    kind: "tokens",
    group: "Who may do what",
    description: "The same as text.",
    hasNoFlag: true,
  },
  authJwtKey: {
    kind: "file",
    group: "Who may do what",
    description:
      "Lets in who shows a JSON web token of these public keys: PEM, JWKS or one raw Ed25519 key. Read again on SIGHUP.",
  },
  authJwtIssuer: {
    kind: "text",
    group: "Who may do what",
    description: "JSON web tokens must be of this issuer.",
  },
  authJwtAudience: {
    kind: "text",
    group: "Who may do what",
    description: "JSON web tokens must be for this audience.",
  },
  authJwtRequireExpiry: {
    kind: "switch",
    group: "Who may do what",
    description: "Refuses JSON web tokens that never expire.",
    default: "false",
  },
  allowAnonymous: {
    kind: "access",
    group: "Who may do what",
    description:
      "What somebody may do who shows no token. Needed to serve others than this machine without tokens.",
    defaultNote: "write on a loopback address without tokens, else nothing",
  },

  maxBody: {
    kind: "size",
    group: "Limits of requests",
    description: "Longest request body; 413 beyond.",
    default: "256MiB",
    isPositive: true,
    sync: "maxBodyBytes",
  },
  maxImport: {
    kind: "size",
    group: "Limits of requests",
    description: "Longest database that can be uploaded.",
    default: "16GiB",
    sync: "maxImportBytes",
  },
  maxHeader: {
    kind: "size",
    group: "Limits of requests",
    description: "Longest request header, all lines together; 431 beyond.",
    default: "16KiB",
    isPositive: true,
  },
  headerTimeout: {
    kind: "time",
    group: "Limits of requests",
    description: "A request whose header takes longer to arrive is given up with 408.",
    default: "10s",
    isPositive: true,
  },
  requestTimeout: {
    kind: "time",
    group: "Limits of requests",
    description: "A request that takes longer to arrive, body included, is given up with 408; 0: never.",
    default: "1h",
  },
  bodyStallTimeout: {
    kind: "time",
    group: "Limits of requests",
    description: "A request whose body does not go on for this long is given up with 408.",
    default: "30s",
    isPositive: true,
    sync: "bodyStallTimeoutMs",
  },
  maxRequestsPerDatabase: {
    kind: "count",
    group: "Limits of requests",
    description: "Requests to one database at once, those aside that wait for a commit; 429 beyond.",
    default: "1000",
    sync: "maxRequestsPerDatabase",
  },
  maxRequestsPerClient: {
    kind: "count",
    group: "Limits of requests",
    description: "Requests of one client at once; 429 beyond; 0: no limit.",
    default: "256",
    sync: "maxRequestsPerClient",
  },
  maxWaiters: {
    kind: "count",
    group: "Limits of requests",
    description: "Requests that wait for a commit of one database; 429 beyond.",
    default: "20000",
    sync: "maxWaiters",
  },
  maxLongPoll: {
    kind: "time",
    group: "Limits of requests",
    description: "Longest wait for a commit, whatever the client asks for.",
    default: "5m",
    sync: "maxLongPollMs",
  },
  downloadStallTimeout: {
    kind: "time",
    group: "Limits of requests",
    description: "A client that takes nothing of its download for this long is cut off; 0: never.",
    default: "30s",
    sync: "downloadStallTimeoutMs",
  },
  maxSockets: {
    kind: "count",
    group: "Limits of requests",
    description: "WebSockets that are open at once; 503 beyond.",
    default: "10000",
    sync: "maxSockets",
  },
  maxMessage: {
    kind: "size",
    group: "Limits of requests",
    description: "Longest message on a WebSocket.",
    default: "16MiB",
    isPositive: true,
    sync: "maxMessageBytes",
  },
  helloTimeout: {
    kind: "time",
    group: "Limits of requests",
    description: "A WebSocket that has not said hello for this long is closed.",
    default: "10s",
    isPositive: true,
    sync: "helloTimeoutMs",
  },
  keepAlive: {
    kind: "time",
    group: "Limits of requests",
    description: "Either end of a live connection says something at least this often.",
    default: "45s",
    isPositive: true,
    sync: "keepAliveMs",
  },
  maxSubscriptions: {
    kind: "count",
    group: "Limits of requests",
    description: "Databases that are open on one live connection.",
    default: "256",
    isPositive: true,
    sync: "maxSubscriptions",
  },

  maxWorkers: {
    kind: "count",
    group: "Running SQL",
    description: "Processes that run SQL, at most. 0: it runs in the server's own, uninterruptible.",
    defaultNote: "two for each processor, at least 8",
    sync: "maxWorkers",
  },
  workerIdleTimeout: {
    kind: "time",
    group: "Running SQL",
    description: "A process that has had no SQL to run for this long is ended.",
    default: "30s",
    sync: "workerIdleTimeoutMs",
  },
  statementTimeout: {
    kind: "time",
    group: "Running SQL",
    description: "A statement that runs for longer is ended (SQLITE_INTERRUPT); 0: never.",
    default: "1m",
    sync: "statementTimeoutMs",
  },
  transactionTimeout: {
    kind: "time",
    group: "Running SQL",
    description: "A transaction that has kept other writers waiting for longer is rolled back.",
    default: "5s",
    sync: "transactionTimeoutMs",
  },
  maxTransaction: {
    kind: "time",
    group: "Running SQL",
    description: "The same while a request of its own works on it, such as a large push; 0s: never.",
    default: "60s",
    sync: "maxTransactionMs",
  },
  lockTimeout: {
    kind: "time",
    group: "Running SQL",
    description: "A write waits this long for other transactions to end, then fails (SQLITE_BUSY).",
    default: "10s",
    sync: "lockTimeoutMs",
  },
  streamIdleTimeout: {
    kind: "time",
    group: "Running SQL",
    description: "A SQL stream left idle for longer is rolled back and closed.",
    default: "10s",
    isPositive: true,
    sync: "streamIdleTimeoutMs",
  },
  maxStreams: {
    kind: "count",
    group: "Running SQL",
    description: "SQL streams of one database that are open from one request to the next.",
    default: "128",
    sync: "maxStreams",
  },
  maxStatements: {
    kind: "count",
    group: "Running SQL",
    description: "Statements in one request.",
    default: "500000",
    isPositive: true,
    sync: "maxStatements",
  },
  maxResponse: {
    kind: "size",
    group: "Running SQL",
    description: "Longest answer to one request, roughly; a statement with more fails (RESPONSE_TOO_LARGE).",
    default: "64MiB",
    isPositive: true,
    sync: "maxResponseBytes",
  },
  maxRow: {
    kind: "size",
    group: "Running SQL",
    description: "Longest row that is read or bound, roughly.",
    default: "16MiB",
    isPositive: true,
    sync: "maxRowBytes",
  },

  maxOpenDatabases: {
    kind: "count",
    group: "Databases and revisions",
    description: "Databases that are open at once; 503 if all of them are in use.",
    default: "200",
    isPositive: true,
    sync: "maxOpenDatabases",
  },
  databaseIdleTimeout: {
    kind: "time",
    group: "Databases and revisions",
    description: "A database that nobody has used for this long is closed until the next request.",
    default: "5m",
    sync: "databaseIdleTimeoutMs",
  },
  snapshotRetention: {
    kind: "time",
    group: "Databases and revisions",
    description: "A revision can be asked for by name for this long after its last use.",
    default: "1m",
    sync: "snapshotRetentionMs",
  },
  snapshotRetentionSize: {
    kind: "size",
    group: "Databases and revisions",
    description: "Such revisions are given up when the WAL is longer.",
    defaultNote: "8 × --wal-limit",
    sync: "snapshotRetentionBytes",
  },
  walLimit: {
    kind: "size",
    group: "Databases and revisions",
    description: "The WAL is checkpointed when it is longer.",
    default: "16MiB",
    sync: "walLimitBytes",
  },
  foreignCommitCheck: {
    kind: "time",
    group: "Databases and revisions",
    description: "How often an open database is looked at for commits of other programs; 0: never.",
    default: "1s",
    sync: "foreignCommitCheckMs",
  },
} as const;

type OptionTable = typeof OPTION_TABLE & typeof LIBSQL_OPTIONS & typeof LOG_OPTIONS;

export type OptionKey = keyof OptionTable;

/** The options that were given, and defaults for those that have one. */
export type OptionValues = {
  readonly [K in OptionKey]: OptionTable[K] extends { readonly default: string }
    ? KindValues[OptionTable[K]["kind"]]
    : KindValues[OptionTable[K]["kind"]] | undefined;
};

/** The options of the library that are options of the program. */
export type MappedSyncOption = Extract<OptionTable[OptionKey], { readonly sync: string }>["sync"];

/** The table with its entries alike. */
export const OPTION_ENTRIES: readonly (readonly [OptionKey, OptionEntry])[] = Object.entries<OptionEntry>({
  ...OPTION_TABLE,
  ...LIBSQL_OPTIONS,
  ...LOG_OPTIONS,
}) as [OptionKey, OptionEntry][];
