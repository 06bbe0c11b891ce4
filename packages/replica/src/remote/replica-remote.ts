import type { ProtocolIo } from "@tributary/core";
import type { ReplicaTransport } from "../replica-status.js";

/** The remote as a replica uses it, over whatever transport. */
export interface ReplicaRemote extends ProtocolIo {
  /** The same remote, for one operation: its requests end with `aborted` when the signal is aborted. */
  withSignal(signal: AbortSignal): ProtocolIo;
  /** Ends the waiting of pulls that wait for a commit, as if their time were over. What has begun to come goes on. */
  wake(): void;
  /** Bytes of what was sent and received since the start, as far as the transport counts them. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Ends what is open; later calls fail with `invalid-state`. */
  close(): Promise<void>;
}

/** A remote, and what carries it at the moment. */
export interface OpenedRemote {
  readonly remote: ReplicaRemote;
  transport(): ReplicaTransport;
}
