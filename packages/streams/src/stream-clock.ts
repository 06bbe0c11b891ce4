import { randomBytes } from "node:crypto";

/** Time and randomness for change streams; both answer at once. */
export interface StreamClock {
  /** Milliseconds since 1970: how old what a receiver has acknowledged is. */
  now(): number;
  /** Unpredictable bytes: for the names of databases, and for epochs. */
  randomBytes(count: number): Uint8Array;
}

/** Those of this machine. */
export const streamClock: StreamClock = {
  now: () => Date.now(),
  randomBytes: (count) => Uint8Array.from(randomBytes(count)),
};
