import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import type { SyncedPages } from "../ports/replica-pages.js";
import { hasChanges } from "../tape/read-tape.js";
import { readLocalValue, readPulledPosition } from "./local-values.js";
import { hasPushesOfOthers, isElsewhere } from "./replay-tape.js";
import { type ReplicaSession, saveMetadata } from "./replica-session.js";
import { namesHistory, witnessesOf } from "./same-history.js";
import type { PulledChanges } from "./wait-changes.js";

/**
 * After that many pages the metadata is saved. Until then a crash costs a pull of these pages again, no more: seen from
 * the older synced state, they are pages that were changed locally.
 */
const MOST_UNSAVED_PAGES = 64;

/**
 * Lays a pull over the local state where there is nothing to replay: the tape is empty, and the remote has changed only
 * pages that the replica's own tables have no part in. Gives the synced state for `followPull`;
 * `undefined`, having done nothing, when the pull has to be applied the long way. Under the write lock, which the caller
 * ends with `ROLLBACK` at once.
 */
export function* layOver(
  { pages }: ReplicaSession,
  changes: PulledChanges,
): Coroutine<SyncedPages | undefined> {
  // Of a remote that only counts its revisions, the replay finds out by the client's position whether it went back.
  if (changes.full || !namesHistory(changes.revision) || (yield* hasChanges())) return undefined;
  return yield* pages.layOver(changes.pages, changes.databaseSize);
}

/**
 * Goes on from the state that `layOver` gave. The tape stands as it was. Fails with `pull-generation-ahead`, the pull being
 * applied, when a copy of the replica has pushed.
 */
export function* followPull(
  session: ReplicaSession,
  { revision, pages: pulled }: PulledChanges,
  pages: SyncedPages,
): Coroutine<void> {
  const lastPullAt = yield* io.now();
  yield* session.pages.follow(pages);
  const witnesses = witnessesOf(pulled.pageNumbers);
  session.metadata = { ...session.metadata, revision, witnesses, pages, lastPullAt };
  session.unsavedPages += pulled.pageNumbers.length;
  if (session.unsavedPages >= MOST_UNSAVED_PAGES) yield* saveMetadata(session, {});
  // A replay would have told. What is written from now on must not be taken for what the other one has pushed.
  const { clientId } = session.metadata;
  const generation = Number(yield* readLocalValue("pullGeneration"));
  if (hasPushesOfOthers(yield* readPulledPosition(clientId), generation)) throw isElsewhere(clientId);
}
