import type { SyncError } from "@tributary/core";

/** How a replica stands to its remote. */
export interface ReplicaStatus {
  /**
   * - `manual`: opened without `live`, so it syncs when told to.
   * - `connecting`: has not reached the remote yet.
   * - `live`: it has all that the remote had a moment ago, and is told of every commit.
   * - `paused`: `url` is, or gives, null; it is asked again every few seconds.
   * - `offline`: see `lastError`. It is tried again by itself, however long that takes: within 30 s where the remote
   *   could not be reached, within a minute where it refused, or where local changes stand in the way.
   * - `closed`: the replica was closed.
   */
  readonly state: "manual" | "connecting" | "live" | "paused" | "offline" | "closed";
  /** Over what it is live; `undefined` while it is not. */
  readonly transport: ReplicaTransport | undefined;
  /** Why it is `offline` or `paused`, for people. */
  readonly reason: string | undefined;
  /** The newest local change, its position on the tape; 0 for none. What lies above `sent` is only here. */
  readonly committed: number;
  /** Up to here changes were sent. */
  readonly sent: number;
  /** Up to here the remote has them. Positions begin anew with each pull that brings something. */
  readonly acknowledged: number;
  /**
   * The last failure of a sync; `undefined` when the last one succeeded. A replica can be `live` and have one: the remote
   * refuses its changes, and what others change arrives all the same.
   */
  readonly lastError: SyncError | undefined;
}

/** What carries a live replica: a WebSocket, requests that wait at the server, or channels of the app's own. */
export type ReplicaTransport = "websocket" | "http" | "custom";

/** Which tables have changed, so that what is shown can be read again. */
export interface TableChanges {
  /** `local`: committed through `db`. `remote`: came with a pull. `stream`: came with a change stream. */
  readonly source: "local" | "remote" | "stream";
  /** Names of tables, each once. Where a change cannot be told apart, more than have changed, never fewer. */
  readonly tables: readonly string[];
}
