import {
  allTables,
  type Coroutine,
  changedTables,
  type EngineIo,
  type ReplicaSession,
  runSync,
  SyncError,
  TablePages,
  type TapeProgress,
  tapePositions,
} from "@tributary/core";
import type { TableChanges } from "../replica-status.js";
import { ChangeFeed } from "./change-feed.js";

/** Finds out which tables local commits and pulls have changed, while somebody wants to know. */
export class ChangeTracker {
  readonly #session: ReplicaSession;
  readonly #io: EngineIo;
  readonly #feed = new ChangeFeed();
  /** What is known of the synced state, from the last pull that was told of. */
  readonly #pages: TablePages;
  /** The tape that `#told` is a position of. */
  #tape: TapeProgress;
  /** Changes up to here were told of, or made before anybody listened. */
  #told = 0;

  constructor(session: ReplicaSession, io: EngineIo) {
    this.#session = session;
    this.#io = io;
    this.#tape = session.tape;
    this.#pages = new TablePages((pageNumber) => session.pages.readSynced(pageNumber));
  }

  listen(listener: (changes: TableChanges) => void): () => void {
    if (!this.#feed.hasListeners && !this.#session.applyPending) this.#moveOn();
    return this.#feed.listen(listener);
  }

  /**
   * Something was committed, by the app or by a change stream. Reads the tape now: a moment later a pull may have restarted it.
   * Throws `SyncError` when it cannot be read.
   */
  noteCommit(source: TableChanges["source"]): void {
    // Without a tape to look at: when the apply is done, all tables are told of.
    if (!this.#feed.hasListeners || this.#session.applyPending) return;
    if (this.#tape !== this.#session.tape) this.#told = this.#session.tape.repeatedUpTo;
    this.#feed.note(source, runSync(changedTables(this.#told), this.#io));
    this.#moveOn();
  }

  /** Around an apply of those pages. */
  *notingRemote(pageNumbers: Uint32Array, apply: Coroutine<boolean>): Coroutine<boolean> {
    if (this.#feed.hasListeners && !this.#pages.isLoaded) yield* this.#load();
    const { revision } = this.#session.metadata;
    let isApplied = false;
    try {
      isApplied = yield* apply;
    } finally {
      // A pull that was laid over is seen, even if saving its metadata has failed; the next pull will not bring it again.
      const { applyPending, metadata } = this.#session;
      const isSeen = isApplied || (!applyPending && metadata.revision !== revision);
      if (isSeen && this.#feed.hasListeners) this.#feed.note("remote", yield* this.#tablesOf(pageNumbers));
      else if (isSeen) this.#pages.forget();
    }
    return isApplied;
  }

  /** Around any procedure: it may have to finish an apply, of which nobody knows any more what it has changed. */
  *notingResumed<T>(procedure: Coroutine<T>): Coroutine<T> {
    const wasPending = this.#session.applyPending;
    try {
      return yield* procedure;
    } finally {
      if (wasPending && !this.#session.applyPending) {
        this.#pages.forget();
        if (this.#feed.hasListeners) this.#feed.note("remote", yield* allTables());
      }
    }
  }

  /** What is there before the first pull that is told of, so that tables which it drops are told of too. */
  *#load(): Coroutine<void> {
    try {
      yield* this.#pages.load(this.#session.pages.synced.databaseSize);
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      // Not the pull's failure. Without it, more tables are told of than need be.
      this.#pages.forget();
    }
  }

  *#tablesOf(pageNumbers: Uint32Array): Coroutine<readonly string[]> {
    try {
      return yield* this.#pages.changedTables(pageNumbers, this.#session.pages.synced.databaseSize);
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      // The apply is done, so this is not its failure. Which tables it was is not known, so it was all.
      return yield* allTables();
    }
  }

  #moveOn(): void {
    this.#tape = this.#session.tape;
    this.#told = runSync(tapePositions(this.#session), this.#io).committed;
  }
}
