import type { Channel, PageRange } from "@tributary/core";
import type { LiveClock } from "../live-clock.js";

/** What a channel may use. */
export interface LiveLimits {
  /** A channel that has not said hello for this long is closed, ms. */
  readonly helloTimeoutMs: number;
  /** Either end says something at least this often; one that is silent for twice as long is taken for gone, ms, at least 1. */
  readonly keepAliveMs: number;
  /** Longest message that is taken, bytes. Pushes that wait for their turn may be four times that together. */
  readonly maxMessageBytes: number;
  /** How many subscriptions may be open on a channel. */
  readonly maxSubscriptions: number;
  /** How many pulls of a subscription may be open. */
  readonly maxPulls: number;
  /** A client that takes nothing of what waits for it is cut off after this long, ms; 0: never. */
  readonly stallTimeoutMs: number;
}

/** What a channel was granted. */
export interface LiveGrant {
  /** ms since 1970; `undefined`: for ever. The channel is closed then, unless a fresh token has come. */
  readonly expiresAt: number | undefined;
  /** Who it is turns out only when something is opened: until then the limits of the time before the hello hold. Default false. */
  readonly isProvisional?: boolean;
}

/** What a live channel asks of whoever serves it. What rejects with a `LiveRefusal` is told to the client. */
export interface LiveHost {
  readonly clock: LiveClock;
  readonly limits: LiveLimits;
  /** On hello, and for each fresh token. Rejects to refuse the channel. */
  authenticate(token: string | undefined): Promise<LiveGrant>;
  /**
   * Opens a database with what the latest token allows. Rejects to refuse it. `onEnd` is called, once at most, where the
   * host ends the subscription by itself: the client is told, and the endpoint is closed.
   */
  openReplica(database: string, onEnd: (refusal: LiveRefusal) => void): Promise<ReplicaEndpoint>;
  /**
   * Takes over one end of a duplex for a change stream, with what the latest token allows. Rejects to refuse it. What it
   * sends before it resolves arrives after that. Absent: there are none here.
   */
  openStream?(database: string, channel: Channel): Promise<void>;
  /** Called once, when the channel is closed by either side: with an error where the server is to blame. */
  onClose(error: unknown): void;
}

/** Tells once that something is to end. An `AbortSignal` is one, and takes longer to make than all else of a pull. */
export interface EndSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What is asked for by a pull. */
export interface LivePullRequest {
  readonly clientRevision: string | undefined;
  readonly serverRevision: string | undefined;
  readonly pages: PageRange | undefined;
  readonly waitMs: number;
  /** Fires when the client or the channel gives the pull up. */
  readonly signal: EndSignal;
}

/** The answer to a pull: the header at once, the pages as they are asked for. */
export interface LivePull {
  readonly revision: string;
  /** Size of the database at that revision, in pages. */
  readonly databaseSize: number;
  /** The next pages, 256 KiB at most, not to be written to; `undefined` at the end. Throws `LiveRefusal` where they are gone. */
  next(): { readonly pageIds: Uint32Array; readonly bytes: Uint8Array } | undefined;
  /** Lets go of the revision. Called once, also after the end. */
  close(): void;
}

/** One database, as a live replica sees it. */
export interface ReplicaEndpoint {
  pull(request: LivePullRequest): Promise<LivePull>;
  /** Runs a batch (`live-batch.ts` of wire) and gives its results; see the message `push`. One at a time. */
  push(body: Uint8Array, isContinued: boolean): Promise<Uint8Array>;
  /** Rolls back what is open and lets go of the database. */
  close(): void;
}

/** A refusal that the client is told of. */
export class LiveRefusal extends Error {
  override readonly name = "LiveRefusal";
  /** As the HTTP status that the same refusal has there. */
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
