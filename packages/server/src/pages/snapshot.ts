import type { FrameIndex } from "@tributary/core";
import type { ReadPin } from "./read-pin.js";
import type { Revision } from "./revision.js";

/**
 * One revision whose pages can be read: the newest frame among the first `frameLimit` of `generation`, else the
 * database file. Holds the newest pin that is not newer than the revision.
 */
export interface Snapshot {
  readonly revision: Revision;
  /** That of the log when it was taken. */
  readonly history: number;
  /** Pages. */
  readonly databaseSize: number;
  /** Undefined: the WAL was empty, everything is in the file. */
  readonly generation: FrameIndex | undefined;
  readonly frameLimit: number;
  readonly pin: ReadPin;
  /** How many downloads are reading it. */
  readers: number;
  /** When it was last asked for, ms. */
  lastUsedAt: number;
  /** Whether a client may come back for more of it by name: the first part of a bootstrap, or a page on demand. */
  wanted: boolean;
}
