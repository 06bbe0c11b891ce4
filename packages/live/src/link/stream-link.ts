import type {
  AppliedPackage,
  Channel,
  InboundStreamOptions,
  OutboundPackage,
  OutboundStreamOptions,
  PackagePayload,
} from "@tributary/core";
import type { LiveClock } from "../live-clock.js";

/** Where packages come from: `OutboundStream` of core, as a link uses it. */
export interface LinkOutbound {
  /** The next package; `undefined` when there is nothing now. */
  next(): OutboundPackage | undefined;
  /** The receiver says that it has all up to here: goes on from there. Throws `SyncError` `stream-behind`, `stream-restarted`. */
  resume(position: { readonly epoch: number; readonly cursor: number } | undefined): void;
  close(): void;
}

/** Where packages go: `InboundStream` of core, as a link uses it. */
export interface LinkInbound {
  apply(payload: PackagePayload): AppliedPackage;
  /** What was applied last; `undefined` before the first package. */
  readonly position: { readonly epoch: number; readonly cursor: number } | undefined;
}

/** A database with change streams: a captured database, or a replica. */
export interface ChangeStreams {
  /** Names this database to its peers: the origin of what is changed here. */
  readonly site: string;
  createOutboundStream(options?: OutboundStreamOptions): LinkOutbound & { readonly position: unknown };
  createInboundStream(options: InboundStreamOptions): LinkInbound;
  /** Called after each commit that may have put something on the tape, whoever made it. Gives the function that ends it. */
  onCommit(listener: () => void): () => void;
}

/** Options of {@link linkStreams}. */
export interface StreamLinkOptions {
  readonly streams: ChangeStreams;
  /** What is sent: the options of the outbound stream but for the receiver. `false`: nothing. Default: everything but what the peer made. */
  readonly send?: Omit<OutboundStreamOptions, "to" | "encoding"> | false;
  /** How what comes is applied. `false`: nothing is taken. Default: last applied wins. */
  readonly receive?: Omit<InboundStreamOptions, "from"> | false;
  /** Packages that may be on their way unacknowledged. Default 8. */
  readonly window?: number;
  /** A package that is not acknowledged for this long is sent again, ms. Default 10 000. */
  readonly ackTimeoutMs?: number;
  /** Only this site may be at the other end. Default: whoever it is. */
  readonly peer?: string;
  readonly clock?: LiveClock;
  /** Called once, when the link has ended: with the reason where it is an error. */
  readonly onClose?: (error: Error | undefined) => void;
  /** Called when what was applied, sent or acknowledged has moved. */
  readonly onProgress?: (position: LinkPosition) => void;
}

/** How far a link has come. */
export interface LinkPosition {
  readonly peer: string | undefined;
  /** Cursors of the tape here. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Cursor of the peer's tape. */
  readonly applied: number;
}

/** A change stream in both directions over one channel. */
export interface StreamLink {
  readonly position: LinkPosition;
  /** Resolves when all that was committed here before the call is acknowledged. Rejects when the link ends first. */
  flush(): Promise<void>;
  /** Ends the link and the channel. */
  close(): void;
}

/**
 * Keeps two databases in step over a channel, until it is closed: packages with a window of unacknowledged ones, resumed
 * where the receiver stands, sent again where they were lost, doubled or out of order.
 */
export function linkStreams(_channel: Channel, _options: StreamLinkOptions): StreamLink {
  throw new Error("not written yet");
}
