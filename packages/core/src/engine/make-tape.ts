import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import type { ReplicaMetadata } from "../metadata/replica-metadata.js";
import { neededValues } from "../tape/needed-values.js";
import { createTapeSql, GAP_IDS, TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import { servesAReplica } from "./apply-changes.js";
import { hasTable, readLocalValue, readPulledPosition, setLocalValue } from "./local-values.js";
import { beginWrite, committing, type ReplicaSession } from "./replica-session.js";
import { runOrFail } from "./run-or-fail.js";

/**
 * Makes the tape where it is missing, and the capture triggers of all connections.
 *
 * @param mayHaveLostChanges The newest changes of the tape may be missing: their ids are not given again.
 */
export function* makeTape(session: ReplicaSession, mayHaveLostChanges: boolean): Coroutine<void> {
  yield* beginWrite(session.config);
  yield* committing(makeTapeInTransaction(session.metadata, mayHaveLostChanges));
  yield* io.refreshCapture("app");
}

function* makeTapeInTransaction({ clientId }: ReplicaMetadata, mayHaveLostChanges: boolean): Coroutine<void> {
  if (yield* hasTable(TAPE_TABLE)) {
    if ((yield* readLocalValue("clientId")) !== clientId) throw servesAReplica();
    if (mayHaveLostChanges) yield* io.executeSql("writer", LEAVE_GAP_SQL);
  } else {
    const known = yield* readPulledPosition(clientId);
    yield* io.executeSql("writer", createTapeSql(yield* neededValues()));
    yield* runOrFail([
      setLocalValue("clientId", clientId),
      setLocalValue("pullGeneration", BigInt((known?.pullGeneration ?? -1) + 1)),
    ]);
  }
  yield* io.refreshCapture("writer");
}

/** Also where the tape ends with a gap: what was written after it may be what was lost. */
const LEAVE_GAP_SQL = `INSERT INTO main.${TAPE_TABLE} (id, shape, op)
  SELECT coalesce(max(id), 0) + ${GAP_IDS}, 0, ${TAPE_OPERATION.gap} FROM main.${TAPE_TABLE}`;
