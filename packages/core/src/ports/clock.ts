import type { MaybePromise } from "./maybe-promise.js";

/** Time and randomness, as requests, so that a simulation owns them. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): MaybePromise<number>;
  /** Resolves after that many milliseconds. */
  sleep(milliseconds: number): MaybePromise<void>;
  /** Unpredictable bytes: for client ids and journal ids. */
  randomBytes(count: number): MaybePromise<Uint8Array>;
}
