import type { SyncError } from "@tributary/core";

/** How a replica stands to its remote. */
export interface ReplicaStatus {
  /**
   * `manual`: opened without `live`, so it syncs when told to. `connecting`: not there yet. `live`: told of every commit.
   * `paused`: `url` is null. `offline`: see `lastError`; it is tried again by itself unless `isStopped`.
   */
  readonly state: "manual" | "connecting" | "live" | "paused" | "offline" | "closed";
  /** Over what it is live. */
  readonly transport: "websocket" | "http" | "custom" | undefined;
  /** Why it is `offline` or `paused`, for people. */
  readonly reason: string | undefined;
  /** It does not try again by itself: somebody has to act on `lastError`, and then call `sync()`. */
  readonly isStopped: boolean;
  /** The newest local change, its position on the tape. What lies above `sent` is only here. */
  readonly committed: number;
  /** Up to here changes were sent. */
  readonly sent: number;
  /** Up to here the remote has them. Positions begin anew with each pull. */
  readonly acknowledged: number;
  /** The last failure of a sync; `undefined` when the last one succeeded. */
  readonly lastError: SyncError | undefined;
}

/** Which tables have changed, so that what is shown can be read again. */
export interface TableChanges {
  /** `local`: committed through `db`. `remote`: came with a pull. `stream`: came with a change stream. */
  readonly source: "local" | "remote" | "stream";
  /** Names of tables, each once. Where a change cannot be told apart, more than have changed, never fewer. */
  readonly tables: readonly string[];
}
