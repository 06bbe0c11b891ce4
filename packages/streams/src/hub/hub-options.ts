import type { InboundStreamOptions } from "@tributary/core";
import type { ChangeStreams, LinkPosition, LiveClock, LiveLimits, StreamLinkOptions } from "@tributary/live";

/** Who asks for what. */
export interface HubRequest {
  /** The latest token of the channel. */
  readonly token: string | undefined;
  /** The database that is to be opened; `undefined` for the channel itself, on hello and for each fresh token. */
  readonly database: string | undefined;
  /** What was given to `accept`. */
  readonly context: unknown;
}

/** What is granted. */
export interface HubGrant {
  /** `read`: what comes from there is not taken. Default `write`. */
  readonly access?: "read" | "write";
  /** The only site that may come with this token. Default: any; a spoke can then pass itself off as another. */
  readonly site?: string;
  /** For the channel: when the token expires, ms since 1970. Default: never. */
  readonly expiresAt?: number;
}

/** A spoke that is linked. */
export interface HubLink {
  readonly database: string;
  readonly position: LinkPosition;
}

/** Options of `createStreamHub`. */
export interface StreamHubOptions {
  /** The database of that name; empty where the spoke has named none. Throws, or rejects with, a `LiveRefusal` to refuse it. */
  readonly openDatabase: (name: string, context: unknown) => ChangeStreams | Promise<ChangeStreams>;
  /** Throws, or rejects with, a `LiveRefusal` to refuse. Absent: whoever reaches the hub may read and write everything. */
  readonly authorize?: (request: HubRequest) => HubGrant | Promise<HubGrant>;
  /** How changes of spokes are applied. Default: last applied wins. */
  readonly receive?: Omit<InboundStreamOptions, "from" | "rebase">;
  /** What links may use; see `linkStreams`. */
  readonly link?: Pick<
    StreamLinkOptions,
    "window" | "ackTimeoutMs" | "maxPackageBytes" | "snapshotIfBehind" | "snapshotIfRestarted"
  >;
  /** What channels may use, before and after the hello. */
  readonly limits?: Partial<LiveLimits>;
  /** How many channels may be open; one more is closed at once. Default 10 000. */
  readonly maxChannels?: number;
  readonly clock?: LiveClock;
  /** Called when a link has ended, for logs: with the reason where it is an error. */
  readonly onLinkEnd?: (link: HubLink, error: Error | undefined) => void;
}
