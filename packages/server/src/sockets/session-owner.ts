import type { EncodedResult, HranaError, HranaSocketResponse } from "@tributary/wire";
import type { AccessGrant } from "../access/access.js";
import type { SqlStream } from "../hrana/sql-stream.js";
import type { ServerClock } from "../server-clock.js";
import type { HranaProtocol } from "./hrana-protocol.js";

/** What a request is answered with. */
export type SessionAnswer =
  | { readonly result: EncodedResult }
  | { readonly response: HranaSocketResponse }
  | { readonly error: HranaError };

/** What a session asks of its socket. */
export interface SessionOwner {
  readonly protocol: HranaProtocol;
  readonly clock: ServerClock;
  readonly maxStreams: number;
  /** How long a stream may be left idle with a transaction or a cursor open, ms. */
  readonly streamIdleTimeoutMs: number;
  /** How long the stored texts that one request names may be together, bytes. */
  readonly maxExpandedBytes: number;
  openStream(grant: AccessGrant): Promise<SqlStream>;
  /** Waited for before any work. */
  gate(): Promise<void> | undefined;
  /** Closes the socket, because of a `SocketViolation` or of something that nobody has thought of. */
  fail(error: unknown): void;
}

/** Answers one request. Called once; does nothing when the socket is closed. */
export type Reply = (answer: SessionAnswer) => void;
