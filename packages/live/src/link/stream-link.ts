import {
  type Channel,
  type InboundStreamOptions,
  type OutboundStreamOptions,
  SyncError,
} from "@tributary/core";
import { type LiveClock, systemClock } from "../live-clock.js";
import type { ChangeStreams } from "./change-streams.js";
import { LinkSession } from "./link-session.js";

/** Options of {@link linkStreams}. */
export interface StreamLinkOptions {
  readonly streams: ChangeStreams;
  /**
   * What is sent: the options of the outbound stream but for the receiver. `false`: nothing. Default: everything. What the
   * peer itself has made is always left out; it is told only that it was there.
   */
  readonly send?: Omit<OutboundStreamOptions, "to" | "encoding"> | false;
  /** How what comes is applied. `false`: nothing is taken. Default: last applied wins. */
  readonly receive?: Omit<InboundStreamOptions, "from"> | false;
  /** Packages that may be on their way unacknowledged. Default 8. */
  readonly window?: number;
  /** A package that is not acknowledged for this long is sent again, ms; twice as long each time. Default 10 000. */
  readonly ackTimeoutMs?: number;
  /** Longest package that is taken, bytes: one change is never split, so no row may have more. Default 256 MiB. */
  readonly maxPackageBytes?: number;
  /**
   * Says something when nothing was said for this long, and takes a peer for gone that is silent for twice as long, ms.
   * Default 0: never, because the live protocol, and most transports, see to it themselves.
   */
  readonly keepAliveMs?: number;
  /** A peer that needs what is not kept any more gets all rows instead. Default true; `false`: both ends fail with `stream-behind`. */
  readonly snapshotIfBehind?: boolean;
  /**
   * A peer that has seen another past of this database, which was restored from a backup, gets all rows. Default false: both
   * ends fail with `stream-restarted`, because what was lost here is perhaps to be fetched from the peer first.
   */
  readonly snapshotIfRestarted?: boolean;
  /** Only this site may be at the other end. Default: whoever it is. */
  readonly peer?: string;
  readonly clock?: LiveClock;
  /** Called once, when the peer has said which site it is, before anything moves. What it throws ends the link. */
  readonly onPeer?: (site: string) => void;
  /** Called once, when the link has ended: with the reason where it is an error. */
  readonly onClose?: (error: Error | undefined) => void;
  /** Called when what was applied, sent or acknowledged has moved. What it throws ends the link. */
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
  /** How many times all rows were sent, because the peer had nothing yet, or had fallen behind. */
  readonly snapshots: number;
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
 * where the receiver stands, sent again where they were lost, doubled or out of order. Throws `SyncError` `invalid-option`.
 */
export function linkStreams(channel: Channel, options: StreamLinkOptions): StreamLink {
  const {
    window = 8,
    ackTimeoutMs = 10_000,
    maxPackageBytes = 256 * 1024 * 1024,
    keepAliveMs = 0,
    clock = systemClock,
  } = options;
  checkNumber("window", window, 1);
  checkNumber("ackTimeoutMs", ackTimeoutMs, 1);
  checkNumber("maxPackageBytes", maxPackageBytes, 1024);
  checkNumber("keepAliveMs", keepAliveMs, 0);
  return new LinkSession(channel, {
    ...options,
    window,
    ackTimeoutMs,
    maxPackageBytes,
    keepAliveMs,
    clock,
  });
}

function checkNumber(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new SyncError("invalid-option", `${name} must be a whole number, at least ${least}, not ${value}.`);
}
