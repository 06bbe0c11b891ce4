import type { InboundStreamOptions, StreamRetention, TransferProgress, Transform } from "@tributary/core";
import type { Connect, LiveRemote } from "@tributary/live";
import type { BetterSqlite3Options } from "@tributary/sqlite-better-sqlite3";

/** Options of `openReplica`. Only `path` and `url` are needed; with `transport`, `url` is null. */
export interface ReplicaOptions {
  /** The local database file; made where there is none. Tributary's own files stand beside it. */
  readonly path: string;
  /**
   * Where the remote database is: `https:`, `http:`, or `libsql:` and `turso:`, which mean https. A function is asked
   * for every request; while it gives `null` the replica is paused: local work goes on, sync fails with code `paused`.
   * A WebSocket goes to the same URL.
   */
  readonly url: string | null | (() => string | null | Promise<string | null>);
  /**
   * What is spoken to the URL: Turso's sync protocol (the default), or that of libSQL's offline replicas, for a server that
   * has no other. libSQL's knows no WebSocket and no waiting, so a live replica asks every few seconds; and it needs a copy of
   * the remote's pages, `<path>-mirror`.
   */
  readonly protocol?: "turso" | "libsql";
  /** Bearer token, or a function that is asked for every request, and once more after the remote refused a token. */
  readonly authToken?: string | (() => string | undefined | Promise<string | undefined>);
  /** Begins the client id, to tell replicas apart on the server. Default `tributary`. */
  readonly clientName?: string;
  /**
   * Keeps the replica in step by itself: what is committed here is pushed, and what is committed elsewhere arrives, as soon
   * as there is a way; `replica.status` tells. Over one WebSocket, or over HTTP where that cannot be. Default false.
   */
  readonly live?: boolean;
  /** Whether a live replica tries WebSocket before HTTP. Default true; with `fetch`, false. */
  readonly webSocket?: boolean;
  /**
   * In place of HTTP and WebSocket, live or not: a function that opens channels to the remote, or a database of a live
   * client, which may have several over one channel and is closed by who made it.
   */
  readonly transport?: Connect | LiveRemote;
  /**
   * How long a pull may wait at the remote for a change, in milliseconds. Default 0: it answers at once. In a live replica
   * the app's own pulls always do, and this is how long one of its own waits; default 30 000, least 1 000.
   */
  readonly longPollTimeoutMs?: number;
  /** Download a new replica while opening it (the default), or open it empty and let the first pull do that. */
  readonly bootstrapIfEmpty?: boolean;
  /**
   * Whether a damaged replica is repaired when it is opened, if the remote answers (the default). It is then downloaded
   * afresh, unpushed local changes are repeated on it, and the damaged files are kept beside it.
   */
  readonly repair?: boolean;
  /**
   * Whether a replica that libSQL's client has left at the path is made one of Tributary's, with what it had not pushed; its
   * files are kept beside it. Default: if its metadata file, whole or damaged, is there to tell that it is one. `true`: any
   * database there is taken for one, also without that file; then what the remote does not have becomes local changes.
   * `false`: never; such files are refused with `not-a-replica`.
   */
  readonly takeOver?: boolean;
  /**
   * Gives the replica change streams to other databases (`replica.streams`), and the app's connection their SQL:
   * `tributary_changes` and `tributary_inbox`. `{}` takes the defaults.
   */
  readonly streams?: {
    /** How long changes are kept for receivers that have not acknowledged them. */
    readonly retention?: StreamRetention;
    /** How packages in the inbox are applied. Default: last applied wins. */
    readonly inbox?: Omit<InboundStreamOptions, "from" | "since" | "rebase">;
  };
  /** Keeps, skips or rewrites local row changes on their way to the remote. */
  readonly transform?: Transform;
  /** Tables whose local changes stay in this replica. */
  readonly ignoreTables?: readonly string[];
  /** A push is split, between local transactions, where a batch has this many changes. Default 10 000. */
  readonly pushOperationsThreshold?: number;
  /** Bytes of pages asked for in one request of a full download. Default: all in one. */
  readonly pullBytesThreshold?: number;
  /** Headers added to every request, for a proxy or for remote encryption. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  /** Used instead of undici. */
  readonly fetch?: typeof fetch;
  /** How long a pull, checkpoint or close waits for an open transaction of the app, in milliseconds. Default 5 000. */
  readonly lockTimeoutMs?: number;
  /**
   * The write-ahead log is checkpointed, revert pages saved first, when it is larger than this. Bytes, default 16 MiB; 4 MiB
   * where `live` is set, because SQLite reads the whole log again after each pull that brings something.
   */
  readonly checkpointThresholdBytes?: number;
  /** Options of the app's better-sqlite3 connection. */
  readonly database?: Pick<
    BetterSqlite3Options,
    "synchronous" | "busyTimeoutMs" | "verbose" | "nativeBinding"
  >;
  /** Told how far downloads and pushes have come. */
  readonly onProgress?: (progress: TransferProgress) => void;
  /** Ends opening, a download above all, with code `aborted`. Later operations have their own. */
  readonly signal?: AbortSignal;
}

/** Options of one operation. */
export interface OperationOptions {
  /** Ends the operation with code `aborted`. */
  readonly signal?: AbortSignal;
}
