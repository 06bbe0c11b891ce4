import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { namingEndpoint } from "../errors/naming-endpoint.js";
import { PageDownload } from "../pages/page-download.js";
import type { PullHandle } from "../ports/protocol-io.js";
import type { PageImages } from "../ports/replica-pages.js";
import { fenceLateBatches } from "./remote-mark.js";
import { type ReplicaSession, replicaFiles } from "./replica-session.js";
import { hasSameHistory } from "./same-history.js";

/** Pages that a pull has brought, not yet applied. */
export interface PulledChanges {
  readonly revision: string;
  readonly databaseSize: number;
  readonly pages: PageImages;
  /** Where they come from, for error messages. */
  readonly endpoint: string;
  /** The revision they are to be applied on. */
  readonly since: string | undefined;
  /** Whether they are all pages of the database, whatever the replica has of it. */
  readonly full: boolean;
  /** Batches of this session sent when it was asked for: these it is sure to contain. */
  readonly batchesSent: number;
  /** Frees the download. */
  dispose(): Coroutine<void>;
}

/**
 * Asks the remote what changed since the synced revision, waiting up to the long-poll timeout for something, and
 * downloads it beside the database. Touches nothing of the database. `undefined`: nothing changed.
 */
export function* waitChanges(
  session: ReplicaSession,
  options: { readonly longPollTimeoutMs?: number } = {},
): Coroutine<PulledChanges | undefined> {
  // Before the first request, those of the fence included: a batch that is sent while one is under way may be missing in
  // what the remote answers.
  const { batchesSent } = session;
  yield* fenceLateBatches(session);
  const { revision } = session.metadata;
  const longPollTimeoutMs = options.longPollTimeoutMs ?? session.config.longPollTimeoutMs;
  if (revision !== undefined && !session.remoteWentBack) {
    const { changes, now } = yield* pullSince(session, batchesSent, revision, longPollTimeoutMs);
    // A remote that says it is at another revision, and has no page to send, has lost what this replica knows of it.
    if (changes === undefined && now === revision) return undefined;
    if (changes !== undefined) {
      if (yield* keepsHistory(session, changes)) return changes;
    }
  }
  return (yield* pullSince(session, batchesSent, undefined, 0)).changes;
}

/** Whether the changes follow on what the replica has; if not, they are disposed of. */
function* keepsHistory(session: ReplicaSession, changes: PulledChanges): Coroutine<boolean> {
  let keeps = false;
  try {
    keeps = yield* hasSameHistory(session);
    return keeps;
  } finally {
    if (!keeps) yield* changes.dispose();
  }
}

function* pullSince(
  session: ReplicaSession,
  batchesSent: number,
  since: string | undefined,
  longPollTimeoutMs: number,
): Coroutine<{ readonly changes: PulledChanges | undefined; readonly now: string }> {
  const { metadata } = session;
  const full = since === undefined;
  const request = { ...(since !== undefined && { clientRevision: since }), longPollTimeoutMs };
  const { pull, header } = yield* io.startPull(request);
  try {
    const receiving = receiveAll(session, pull, header.databaseSize, full);
    const download = yield* namingEndpoint(header.endpoint, receiving);
    const changes = download && {
      ...header,
      since: metadata.revision,
      full,
      batchesSent,
      pages: download,
      dispose: () => download.dispose(),
    };
    return { changes, now: header.revision };
  } finally {
    yield* io.endPull(pull);
  }
}

/** Downloads the pages of a pull; `undefined` when there are none. */
function* receiveAll(
  { config }: ReplicaSession,
  pull: PullHandle,
  databaseSize: number,
  full: boolean,
): Coroutine<PageDownload | undefined> {
  let download: PageDownload | undefined;
  try {
    for (
      let batch = yield* io.receivePages(pull);
      batch !== undefined;
      batch = yield* io.receivePages(pull)
    ) {
      download ??= new PageDownload(replicaFiles(config.path).download, databaseSize);
      yield* download.add(batch);
      config.onProgress?.({ phase: "pull", done: download.pageCount, total: undefined });
    }
    if (download !== undefined) yield* download.checkComplete(full);
    return download;
  } catch (error) {
    if (download !== undefined) yield* download.dispose();
    throw error;
  }
}
