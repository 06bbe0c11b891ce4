import type { HostPorts, ReplicaSession } from "@tributary/core";
import type { LiveClock } from "@tributary/live";
import type { ReplicaDatabase } from "@tributary/sqlite-better-sqlite3";
import type { DatabaseStreams } from "@tributary/streams";
import type { ReplicaRemote } from "./remote/replica-remote.js";
import type { ReplicaTransport } from "./replica-status.js";

/** What a replica is made of; assembled by `openReplica`. */
export interface ReplicaParts {
  readonly session: ReplicaSession;
  readonly db: ReplicaDatabase;
  readonly ports: HostPorts;
  readonly protocol: ReplicaRemote;
  readonly checkpointThresholdBytes: number;
  readonly streams?: DatabaseStreams | undefined;
  /** `undefined`: it syncs when told to. */
  readonly live?: {
    readonly clock: LiveClock;
    /** How long one pull waits for a commit, in milliseconds. */
    readonly waitMs: number;
    /** What carries it at the moment. */
    transport(): ReplicaTransport;
  };
}
