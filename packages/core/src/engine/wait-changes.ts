import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { namingEndpoint } from "../errors/naming-endpoint.js";
import { PageDownload } from "../pages/page-download.js";
import type { PullHandle } from "../ports/protocol-io.js";
import type { PageImages } from "../ports/replica-pages.js";
import { type ReplicaSession, replicaFiles } from "./replica-session.js";

/** Pages that a pull has brought, not yet applied. */
export interface PulledChanges {
  readonly revision: string;
  readonly databaseSize: number;
  readonly pages: PageImages;
  /** Where they come from, for error messages. */
  readonly endpoint: string;
  /** The revision they are to be applied on. */
  readonly since: string | undefined;
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
  const { config, metadata, batchesSent } = session;
  const since = metadata.revision;
  const { pull, header } = yield* io.startPull({
    ...(since !== undefined && { clientRevision: since }),
    longPollTimeoutMs: since === undefined ? 0 : (options.longPollTimeoutMs ?? config.longPollTimeoutMs),
  });
  try {
    const download = yield* namingEndpoint(header.endpoint, receiveAll(session, pull, header.databaseSize));
    return download && { ...header, since, batchesSent, pages: download, dispose: () => download.dispose() };
  } finally {
    yield* io.endPull(pull);
  }
}

/** Downloads the pages of a pull; `undefined` when there are none. */
function* receiveAll(
  { config, metadata }: ReplicaSession,
  pull: PullHandle,
  databaseSize: number,
): Coroutine<PageDownload | undefined> {
  let download: PageDownload | undefined;
  try {
    for (
      let batch = yield* io.receivePages(pull);
      batch !== undefined;
      batch = yield* io.receivePages(pull)
    ) {
      download ??= yield* PageDownload.create(replicaFiles(config.path).download, databaseSize);
      yield* download.add(batch);
      config.onProgress?.({ phase: "pull", done: download.pageCount, total: undefined });
    }
    if (download !== undefined) yield* download.checkComplete(metadata.revision === undefined);
    return download;
  } catch (error) {
    if (download !== undefined) yield* download.dispose();
    throw error;
  }
}
