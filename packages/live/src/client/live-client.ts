import type { Channel, ProtocolIo } from "@tributary/core";
import type { Connect } from "../connect.js";
import type { LiveClock } from "../live-clock.js";
import { Connector } from "./connector.js";
import { type LiveSettings, resolveLiveSettings } from "./live-settings.js";
import { ReplicaRemote } from "./replica-remote.js";
import { StreamChannel } from "./stream-channel.js";
import { within } from "./within.js";

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
  /** Called at each change until the returned function is called. A listener must not throw. */
  onStateChange(listener: (state: LiveClientState) => void): () => void;
  /** Ends the channel and everything on it; later calls fail with `invalid-state`. */
  close(): Promise<void>;
}

/**
 * The remote port over a live connection. After a pull that was allowed to wait (`longPollTimeoutMs`, from a revision) the
 * next one is asked for at once, so that the remote sends pages on commit; a pull that may wait takes them over, and goes
 * back to the remote before it says that there is nothing. A pull that may not wait is always asked for anew: it has every
 * commit that was acknowledged before it began. So has each pull after a batch what that has committed.
 *
 * Nothing is tried again, but for a request whose token was refused. A request whose channel is lost fails with
 * `unreachable`; whether a batch was run is then unknown. The next request connects again.
 */
export interface LiveRemote extends ProtocolIo {
  /** The same remote, for one operation: its requests end with `aborted` when the signal is aborted. */
  withSignal(signal: AbortSignal): ProtocolIo;
  /** Ends the waiting of a pull that waits for a commit, as if its time were over. What has begun to come goes on. */
  wake(): void;
  /** Bytes of messages of this database, since the start. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Ends what is open; later calls fail with `invalid-state`. The channel stays, for the other databases on it. */
  close(): Promise<void>;
}

/** Throws `SyncError` `invalid-option`. */
export function createLiveClient(options: LiveClientOptions): LiveClient {
  const settings = resolveLiveSettings(options);
  const connector = new Connector(settings);
  return {
    replica: (database = "") => new ReplicaRemote(connector, settings, database),
    openStream: (database, signal) => openStream(connector, settings, database, signal),
    get state() {
      return connector.state;
    },
    onStateChange: (listener) => connector.onStateChange(listener),
    close: async () => connector.close(),
  };
}

async function openStream(
  connector: Connector,
  { clock, endpoint }: LiveSettings,
  database: string,
  signal: AbortSignal | undefined,
): Promise<Channel> {
  const opening = connector.connect().then((connection) => StreamChannel.open(connection, database));
  try {
    return await within(opening, { clock, endpoint, signal });
  } catch (error) {
    // One that opens all the same is nobody's.
    opening.then(
      (late) => late.close("not needed any more"),
      () => {},
    );
    throw error;
  }
}
