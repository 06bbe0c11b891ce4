import { foldName } from "../capture/schema-row.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { readShapes } from "../tape/read-tape.js";
import { TAPE_OPERATION, TAPE_TABLE } from "../tape/tape-schema.js";
import { resumeApply } from "./apply-changes.js";
import { isLocalOnlySchemaChange } from "./local-only.js";
import { readLocalValue } from "./local-values.js";
import type { ReplicaSession } from "./replica-session.js";

/** Where a replica stands. */
export interface ReplicaStats {
  readonly clientId: string;
  /** The synced revision; `undefined` before the first pull. */
  readonly revision: string | undefined;
  /** Local changes that the remote is not known to have. After a crash it may count pushed ones until the next sync. */
  readonly pendingChanges: number;
  /** Changes kept aside because the remote dropped the table they belong to. */
  readonly parkedChanges: number;
  /** How many pulls have restarted the tape. */
  readonly pullGeneration: number;
  /** Size of the log beside the database, in frames of 4 120 bytes. */
  readonly logFrames: number;
  /** Size of the saved revert pages, in bytes. */
  readonly revertBytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly lastPullAt: number | undefined;
  readonly lastPushAt: number | undefined;
}

/** Reads where the replica stands. Touches no network. */
export function* stats(session: ReplicaSession): Coroutine<ReplicaStats> {
  yield* resumeApply(session);
  const { clientId, revision, pushedChangeId, lastPullAt, lastPushAt } = session.metadata;
  const { ignoreTables } = session.config;
  const shapes = yield* readShapes();
  const localOnly = [...shapes]
    .filter(([, { table }]) => ignoreTables.has(foldName(table)))
    .map(([id]) => id);
  const rows = yield* io.querySql(
    "writer",
    `SELECT count(*) FILTER (WHERE id > ? AND parked IS NULL AND op < ${TAPE_OPERATION.schema} AND shape NOT IN (${localOnly.join(", ")})), count(parked) FROM main.${TAPE_TABLE}`,
    [BigInt(pushedChangeId)],
  );
  const schemaChanges = yield* io.querySql(
    "writer",
    `SELECT v0 FROM main.${TAPE_TABLE} WHERE id > ? AND parked IS NULL AND op = ${TAPE_OPERATION.schema}`,
    [BigInt(pushedChangeId)],
  );
  const pendingSchemaChanges = schemaChanges.filter(
    ([sql]) => !isLocalOnlySchemaChange(String(sql), ignoreTables),
  );
  const [counts] = rows;
  return {
    clientId,
    revision,
    pendingChanges: Number(counts?.[0]) + pendingSchemaChanges.length,
    parkedChanges: Number(counts?.[1]),
    pullGeneration: Number(yield* readLocalValue("pullGeneration")),
    logFrames: yield* session.pages.logFrames(),
    revertBytes: yield* session.pages.revertBytes(),
    lastPullAt,
    lastPushAt,
  };
}
