import type { PageSelector, PullUpdatesRequest } from "@tributary/wire";
import { decodePageSelector, decodePullUpdatesRequest, WireError } from "@tributary/wire";
import type { ServerDatabase } from "../database/server-database.js";
import { readBody } from "../http/read-body.js";
import { RequestError } from "../http/request-error.js";
import type { RequestSlot } from "../http/request-limiter.js";
import { createPullBody } from "../pages/pull-body.js";
import { parseRevision, sameRevision } from "../pages/revision.js";
import type { Snapshot } from "../pages/snapshot.js";
import type { RouteContext } from "./route-context.js";

/** `POST /pull-updates`: the pages that changed since a revision, as of another one. */
export async function answerPullUpdates({
  request,
  lease,
  slot,
  hold,
  expiresAt = Number.POSITIVE_INFINITY,
  bodyLimits,
}: RouteContext): Promise<Response> {
  const { database } = lease;
  const body = await readBody(request, bodyLimits);
  const { pull, selector } = parse(body);
  let snapshot: Snapshot;
  try {
    snapshot = await findSnapshot(database, pull, { signal: request.signal, slot, expiresAt });
  } catch (error) {
    selector?.dispose();
    throw error;
  }
  const changed = changedPages(database, pull, snapshot);
  return new Response(createPullBody(database, snapshot, changed, selector, hold()), {
    headers: { "content-type": "application/protobuf" },
  });
}

function parse(body: Uint8Array): { pull: PullUpdatesRequest; selector: PageSelector | undefined } {
  try {
    const pull = decodePullUpdatesRequest(body);
    if (pull.encoding === "zstd")
      throw new RequestError(400, "zstd page encoding is not supported: ask for raw pages");
    // The query selector is not evaluated: a client that names one is sent more pages than it asked for, which is fine.
    return {
      pull,
      selector: pull.pagesSelector.length === 0 ? undefined : decodePageSelector(pull.pagesSelector),
    };
  } catch (error) {
    if (error instanceof WireError) throw new RequestError(400, `malformed pull request: ${error.message}`);
    throw error;
  }
}

async function findSnapshot(
  database: ServerDatabase,
  pull: PullUpdatesRequest,
  { signal, slot, expiresAt }: { signal: AbortSignal; slot: RequestSlot; expiresAt: number },
): Promise<Snapshot> {
  await database.readAhead();
  database.sync();
  if (pull.serverRevision !== "") {
    const revision = parseRevision(pull.serverRevision);
    if (revision === undefined)
      throw new RequestError(400, `unknown revision ${JSON.stringify(pull.serverRevision)}`);
    return database.snapshots.acquire(revision);
  }
  const known = parseRevision(pull.clientRevision);
  // Nobody hears of a commit with a token that has expired: the next request is refused.
  const holdMs = Math.min(pull.longPollTimeoutMs, database.options.maxLongPollMs, expiresAt - Date.now());
  if (holdMs > 0 && sameRevision(known, database.log.current)) {
    slot.park();
    await database.commitWaiters.wait(holdMs, signal);
    slot.unpark();
    await database.readAhead();
    database.sync();
  }
  const isIncremental = known !== undefined && database.log.knows(known);
  return database.snapshots.acquireCurrent(!isIncremental || pull.pagesSelector.length > 0);
}

/** Ids of the pages to send, or undefined for all. */
function changedPages(
  database: ServerDatabase,
  pull: PullUpdatesRequest,
  { revision, databaseSize }: Snapshot,
): Uint32Array | undefined {
  const known = parseRevision(pull.clientRevision);
  if (sameRevision(known, revision)) return new Uint32Array();
  if (known === undefined || known.sequence > revision.sequence) return undefined;
  // Where the snapshot is not the newest one, this may name pages that changed only after it: they do no harm.
  return database.log.changedSince(known)?.filter((pageId) => pageId < databaseSize);
}
