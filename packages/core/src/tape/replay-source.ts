import type { Coroutine } from "../coroutine/coroutine.js";
import type { SqlRow } from "../values/sql-value.js";
import type { ReplayJournal, TapeCopy } from "./replay-journal.js";

/** What is replayed: a tape as it was, wherever it is kept. */
export interface ReplaySource<T extends TapeCopy = ReplayJournal> {
  readonly journal: T;
  /** The next rows of the tape, in order; empty at the end. */
  nextRows(): Coroutine<readonly SqlRow[]>;
  /** The next rows of the stream tables; empty at the end. */
  nextStreamRows(): Coroutine<readonly SqlRow[]>;
  /** Begins again with the first rows of the tape. */
  rewind(): void;
  close(): Coroutine<void>;
}
