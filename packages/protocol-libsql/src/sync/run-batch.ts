import { type RemoteBatch, type RemoteStepResult, SyncError } from "@tributary/core";
import type { HttpClock } from "@tributary/protocol-http";
import { onHost } from "../mirror/host-errors.js";
import type { Mirror } from "../mirror/mirror.js";
import { runOnMirror } from "../mirror/run-on-mirror.js";
import type { LibsqlRemote } from "../remote/libsql-remote.js";
import type { MirrorKeeper } from "./mirror-keeper.js";
import { sendTail } from "./send-tail.js";

/** How often a batch is run where others keep committing between the pull and the push. */
const MAX_ATTEMPTS = 8;
/** So many conflicts in a row that nothing explains, and the mirror is made anew. */
const MAX_STANDSTILLS = 2;
const FIRST_WAIT_MS = 20;

/** What a batch is run with. */
export interface BatchContext {
  readonly keeper: MirrorKeeper;
  readonly remote: LibsqlRemote;
  readonly clock: Pick<HttpClock, "sleep" | "random">;
}

/**
 * Runs a batch as the remote would: on the mirror with all that the remote has, and sends the frames that SQLite wrote. A
 * batch that wrote nothing sends nothing. Where the remote has got other frames meanwhile, what was written is forgotten, the
 * mirror brought up to date, and the batch run again: it was not taken. On failure nothing of it stays in the mirror, and
 * what became of it at the remote is for the caller to find out. Rejects with `SyncError`.
 */
export async function runBatch(
  context: BatchContext,
  batch: RemoteBatch,
  signal: AbortSignal,
): Promise<readonly RemoteStepResult[]> {
  const { keeper, remote, clock } = context;
  let isNew = false;
  let standstills = 0;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const mirror = await keeper.refresh(signal);
    const results = runHere(mirror, batch, isNew);
    const isUntried = isNew || keeper.isUntried;
    const outcome = results === undefined ? "damaged" : await sendTail(context, mirror, isUntried, signal);
    if (results !== undefined && outcome === "taken") return results;
    standstills = outcome === "standstill" ? standstills + 1 : 0;
    if (outcome === "damaged" || outcome === "misfit" || standstills === MAX_STANDSTILLS) {
      if (outcome !== "damaged" && isUntried) throw refused(remote.endpoint);
      keeper.discard();
      isNew = true;
      standstills = 0;
    } else await clock.sleep(Math.round(FIRST_WAIT_MS * 2 ** attempt * clock.random()), signal);
  }
  throw overtaken(remote.endpoint);
}

/** Runs the batch: what it commits is the tail of the log. `undefined`: the mirror is damaged, and a new one may help. */
function runHere(mirror: Mirror, batch: RemoteBatch, isNew: boolean): RemoteStepResult[] | undefined {
  const { files, log } = mirror;
  let results: RemoteStepResult[];
  try {
    results = onHost(files.database, () => runOnMirror(files, batch));
  } catch (error) {
    const mayBeDamage = error instanceof SyncError && error.code === "sql-failed";
    if (isNew || !mayBeDamage) throw error;
    return undefined;
  }
  const failure = results.find(isHostFailure);
  if (failure?.type === "error") throw hostFailed(files.database, failure.message, failure.sqlCode);
  const isWhole = onHost(files.log, () => log.adopt());
  if (isWhole && (isNew || !results.some(isDamage))) return results;
  if (isNew) throw new SyncError("internal", "SQLite did not leave its log in place.", { path: files.log });
  return undefined;
}

function isDamage(result: RemoteStepResult): boolean {
  return result.type === "error" && /^SQLITE_(CORRUPT|NOTADB)/.test(result.sqlCode ?? "");
}

/** Codes of SQLite's that say nothing of a statement. */
const HOST_FAILURE = /^SQLITE_(FULL|IOERR|CANTOPEN|NOMEM)/;

function isHostFailure(result: RemoteStepResult): boolean {
  return result.type === "error" && HOST_FAILURE.test(result.sqlCode ?? "");
}

/** What it has committed before that is behind the end of the log, and forgotten. */
function hostFailed(path: string, message: string, sqlCode: string | undefined): SyncError {
  return new SyncError(
    "sql-failed",
    `The copy of the remote at ${path} cannot be written: ${message}. What was to be pushed stays pending.`,
    { path, ...(sqlCode !== undefined && { sqlCode }) },
  );
}

function refused(endpoint: string): SyncError {
  return new SyncError(
    "remote-rejected",
    `${endpoint} answers every push with a conflict, and has nothing that would explain it. What was pushed stays pending.`,
    { endpoint },
  );
}

function overtaken(endpoint: string): SyncError {
  return new SyncError(
    "timeout",
    `${endpoint} took changes of others each of ${MAX_ATTEMPTS} times before those of this replica could come. They stay pending: try again.`,
    { endpoint },
  );
}
