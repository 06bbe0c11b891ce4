import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { PageDownload } from "../pages/page-download.js";
import type { PageImages } from "../ports/replica-pages.js";
import { type ReplicaSession, replicaFiles } from "./replica-session.js";

/** Pages that a pull has brought, not yet applied. */
export interface PulledChanges {
  readonly revision: string;
  readonly databaseSize: number;
  readonly pages: PageImages;
  /** The revision they are to be applied on. */
  readonly since: string | undefined;
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
  const { config, metadata } = session;
  const since = metadata.revision;
  const { pull, header } = yield* io.startPull({
    ...(since !== undefined && { clientRevision: since }),
    longPollTimeoutMs: since === undefined ? 0 : (options.longPollTimeoutMs ?? config.longPollTimeoutMs),
  });
  let download: PageDownload | undefined;
  try {
    for (;;) {
      const batch = yield* io.receivePages(pull);
      if (batch === undefined) break;
      download ??= yield* PageDownload.create(replicaFiles(config.path).download, header.databaseSize);
      yield* download.add(batch);
      config.onProgress?.({ phase: "pull", done: download.pageCount, total: undefined });
    }
    if (download === undefined) return undefined;
    yield* download.checkComplete(since === undefined);
  } catch (error) {
    if (download !== undefined) yield* download.dispose();
    throw error;
  } finally {
    yield* io.endPull(pull);
  }
  const { revision, databaseSize } = header;
  const complete = download;
  return { revision, databaseSize, since, pages: complete, dispose: () => complete.dispose() };
}
