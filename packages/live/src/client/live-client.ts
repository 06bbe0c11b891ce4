import type { Channel, ProtocolIo } from "@tributary/core";
import type { Connect } from "../connect.js";
import type { LiveClock } from "../live-clock.js";

/** Options of {@link createLiveClient}. */
export interface LiveClientOptions {
  /** Makes a channel; called again whenever one is needed and the last one is gone. */
  readonly connect: Connect;
  /** What the channel leads to, for error messages: no query, no credentials. */
  readonly endpoint: string;
  /** Asked for each channel, and again before a token expires, which renews it on the open channel. */
  readonly authToken?: string | (() => string | undefined | Promise<string | undefined>);
  /** Tells clients apart in logs. Default `tributary`. */
  readonly clientName?: string;
  /** How long connecting and the answer to a hello, an open or a push may take, ms. Default 30 000. */
  readonly timeoutMs?: number;
  /** Bytes of pages that may be on their way to each pull. Default 4 MiB. */
  readonly creditBytes?: number;
  readonly clock?: LiveClock;
}

/** What a live client tells of its channel. */
export type LiveClientState =
  | { readonly state: "idle" }
  | { readonly state: "connecting" }
  | { readonly state: "open" }
  | { readonly state: "closed"; readonly error: Error };

/**
 * The client's end of the live protocol, over channels that come and go. It connects when something is asked for, and
 * tries once: whoever asks decides whether to try again. One channel serves all databases that are open.
 */
export interface LiveClient {
  /** A database as the remote port. `database` is a name, empty for the one that the address names. */
  replica(database?: string): LiveRemote;
  /** A duplex for a change stream. It ends with the channel. Rejects with `SyncError`. */
  openStream(database: string, signal?: AbortSignal): Promise<Channel>;
  readonly state: LiveClientState;
  onStateChange(listener: (state: LiveClientState) => void): () => void;
  /** Ends the channel and everything on it; later calls fail with `invalid-state`. */
  close(): Promise<void>;
}

/** The remote port over a live connection. After each pull the next one is asked for at once, and the remote answers it on commit. */
export interface LiveRemote extends ProtocolIo {
  /** The same remote, for one operation: its requests end with `aborted` when the signal is aborted. */
  withSignal(signal: AbortSignal): ProtocolIo;
  /** Ends the waiting of a pull that waits for a commit, as if its time were over. What has begun to come goes on. */
  wake(): void;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  close(): Promise<void>;
}

/** Throws `SyncError` `invalid-option`. */
export function createLiveClient(_options: LiveClientOptions): LiveClient {
  throw new Error("not written yet");
}
