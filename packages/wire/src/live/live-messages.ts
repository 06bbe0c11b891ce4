/** The live protocol that is spoken here; the WebSocket subprotocol is `tributary1`. */
export const LIVE_VERSION = 1;

/** The WebSocket subprotocol that names the live protocol. */
export const LIVE_SUBPROTOCOL = "tributary1";

/** What a subscription is for: pages and SQL of a database, or a duplex for a change stream. */
export type LiveKind = "replica" | "stream";

/**
 * Messages of the client. `sub` numbers what the client has opened on this channel; `pull` and `push` number requests of a
 * subscription. Numbers are the client's, from 1 up, never used again on a channel.
 */
export type LiveClientMessage =
  /** The first message. */
  | {
      readonly type: "hello";
      readonly version: number;
      readonly token: string | undefined;
      /** For people, such as in logs. */
      readonly client: string;
    }
  /** A fresh token for everything that is open. Answered by `welcome`, or `failed` with `sub` 0. */
  | { readonly type: "token"; readonly token: string }
  /** `database` is a name, empty for the only one, or the one that the channel's address names. Answered by `opened` or `failed`. */
  | { readonly type: "open"; readonly sub: number; readonly kind: LiveKind; readonly database: string }
  | { readonly type: "close"; readonly sub: number }
  /**
   * Asks for pages, as a pull over HTTP does. With nothing to send the answer is held for up to `waitMs`, and comes with
   * the next commit. No more than `credit` bytes of pages are sent before a `credit` message adds to it.
   */
  | {
      readonly type: "pull";
      readonly sub: number;
      readonly pull: number;
      readonly clientRevision: string | undefined;
      readonly serverRevision: string | undefined;
      /** Zero-based page ids, half-open; `undefined`: all. */
      readonly pages: { readonly from: number; readonly to: number } | undefined;
      readonly waitMs: number;
      readonly credit: number;
    }
  | { readonly type: "credit"; readonly sub: number; readonly pull: number; readonly bytes: number }
  /** Ends a pull; nothing more is sent for it, but what is on its way may still come. Not answered. */
  | { readonly type: "cancel"; readonly sub: number; readonly pull: number }
  /**
   * A batch of SQL (live-batch.ts). One that is `continued` leaves its transaction open for the next push of the
   * subscription; one that is not rolls back what it leaves open. Answered by `pushed` or `failed`.
   */
  | {
      readonly type: "push";
      readonly sub: number;
      readonly push: number;
      readonly isContinued: boolean;
      readonly body: Uint8Array;
    }
  | LiveSharedMessage;

/** Messages of the server. */
export type LiveServerMessage =
  /** The answer to `hello` and `token`. */
  | {
      readonly type: "welcome";
      /** How long the token lasts; `undefined`: for ever. */
      readonly expiresInMs: number | undefined;
      /** Either end sends something at least this often, a `ping` if there is nothing else. */
      readonly keepAliveMs: number;
      /** The longest message that the server takes. */
      readonly maxMessageBytes: number;
    }
  | { readonly type: "opened"; readonly sub: number }
  /** The answer to a pull begins. One that brings nothing names the client's own revision and is followed by `end`. */
  | {
      readonly type: "header";
      readonly sub: number;
      readonly pull: number;
      readonly revision: string;
      readonly databaseSize: number;
    }
  | {
      readonly type: "pages";
      readonly sub: number;
      readonly pull: number;
      readonly pageIds: Uint32Array;
      /** `pageIds.length` × 4096 bytes. */
      readonly bytes: Uint8Array;
    }
  | { readonly type: "end"; readonly sub: number; readonly pull: number }
  /** What became of a batch (live-batch.ts). What it committed is durable. */
  | { readonly type: "pushed"; readonly sub: number; readonly push: number; readonly body: Uint8Array }
  /**
   * What was asked for failed. `sub` 0: the whole channel, which is closed next. `request` 0: the subscription, which is
   * closed; else the pull or push of that number, and the rest goes on.
   */
  | {
      readonly type: "failed";
      readonly sub: number;
      readonly request: number;
      /** As the HTTP status that the same failure has there. */
      readonly status: number;
      /** Stable, for programs, such as `no-such-database`. */
      readonly code: string;
      readonly message: string;
      readonly retryAfterMs: number | undefined;
    }
  | LiveSharedMessage;

/** What either end may send. */
export type LiveSharedMessage =
  /** A message of a subscription of the kind `stream`. */
  | { readonly type: "data"; readonly sub: number; readonly payload: Uint8Array }
  /** Answered by `pong` with the same number. */
  | { readonly type: "ping"; readonly nonce: number }
  | { readonly type: "pong"; readonly nonce: number };

export type LiveMessage = LiveClientMessage | LiveServerMessage;
