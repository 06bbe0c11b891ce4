import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { STREAM_TABLES } from "../streams/stream-schema.js";
import { hasChanges } from "../tape/read-tape.js";
import { TAPE_TABLE } from "../tape/tape-schema.js";
import { hasTable, readTapeEnd, setLocalValue } from "./local-values.js";
import { pushedPosition } from "./pushed-position.js";
import { beginWrite, committing, type ReplicaSession } from "./replica-session.js";
import { runOrFail } from "./run-or-fail.js";
import { namesHistory } from "./same-history.js";
import type { PulledChanges } from "./wait-changes.js";

const PARKED_SQL = `SELECT 1 FROM main.${TAPE_TABLE} WHERE parked = 1 LIMIT 1`;

/**
 * Empties the tape where a pull that is about to be laid over brings back all that is on it, and begins the next
 * generation: what a replay of nothing would do. It is asked of the pages themselves, since a remote that was restored may
 * have lost what it had taken; so what leaves the tape is at the remote, and in the download. Does nothing where the pull
 * has to be applied the long way, or change streams read the tape.
 */
export function* dropPushedTape(session: ReplicaSession, changes: PulledChanges): Coroutine<void> {
  const { config } = session;
  const mayFit = !changes.full && namesHistory(changes.revision) && config.ignoreTables.size === 0;
  if (!mayFit || !(yield* hasChanges())) return;
  yield* beginWrite(config);
  if (!(yield* committing(dropIfPushed(session, changes)))) return;
  session.earlierBoundaries = [];
  session.tape = { repeatedUpTo: 0, sentUpTo: 0 };
  session.metadata = { ...session.metadata, pushedChangeId: 0 };
}

function* dropIfPushed(session: ReplicaSession, changes: PulledChanges): Coroutine<boolean> {
  if (!(yield* session.pages.mayLayOver(changes.pages, changes.databaseSize))) return false;
  if (yield* hasTable(STREAM_TABLES.seen)) return false;
  if ((yield* io.querySql("writer", PARKED_SQL)).length > 0) return false;
  const end = yield* readTapeEnd();
  const pushed = yield* pushedPosition(session, changes);
  if (pushed === undefined || end === undefined) return false;
  if (pushed.pullGeneration !== end.pullGeneration || pushed.changeId !== end.changeId) return false;
  yield* io.executeSql("writer", `DELETE FROM main.${TAPE_TABLE}`);
  // Boundaries of the tape that was: a close that failed has saved them. They would split transactions of the next one.
  const next = BigInt(end.pullGeneration + 1);
  yield* runOrFail([setLocalValue("pullGeneration", next), setLocalValue("boundaries", null)]);
  // For those that are in memory.
  yield* io.refreshCapture("writer");
  return true;
}
