import type { HranaError } from "@tributary/wire";
import type { AccessGrant } from "../access/access.js";
import type { SqlStream } from "../hrana/sql-stream.js";
import type { ServerClock } from "../server-clock.js";

/** The answer to a hello. */
export type HelloAnswer =
  | { readonly ok: true; readonly grant: AccessGrant }
  | { readonly ok: false; readonly error: HranaError };

/** What a Hrana socket may use. */
export interface SocketLimits {
  /** A socket that has not said hello for this long is closed, ms. */
  readonly helloTimeoutMs: number;
  /** Longest message, bytes. Unanswered ones may be four times that together. */
  readonly maxMessageBytes: number;
  /** How many statements one message may hold. */
  readonly maxStatements: number;
  /** How many streams one socket may have open. */
  readonly maxStreams: number;
  /** A stream that is left idle for longer with a transaction or a cursor open is rolled back and closed, ms. */
  readonly streamIdleTimeoutMs: number;
  /** A client that reads nothing of what waits for it is cut off after this long, ms; 0: never. */
  readonly sendStallTimeoutMs: number;
}

/** What a Hrana socket asks of the server. */
export interface SocketHost {
  readonly clock: ServerClock;
  readonly limits: SocketLimits;
  /** Called on each hello. Where it rejects, the socket is closed with 1011. */
  hello(jwt: string | undefined): Promise<HelloAnswer>;
  /** Opens a stream with what the latest hello was granted. May reject with `HranaRequestError` or `ServerError`. */
  openStream(grant: AccessGrant): Promise<SqlStream>;
  /** Called once, when the socket is closed by either side: with an error where the server is to blame. */
  onClose(error: unknown): void;
}
