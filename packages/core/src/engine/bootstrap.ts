import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { namingEndpoint } from "../errors/naming-endpoint.js";
import { SyncError } from "../errors/sync-error.js";
import { PageMap } from "../pages/page-map.js";
import type { FileHandle } from "../ports/io-operations.js";
import type { PullHandle, PullHeader } from "../ports/protocol-io.js";
import type { SyncedPages } from "../ports/replica-pages.js";
import {
  checkRemoteFirstPage,
  LOCK_BYTE_PAGE,
  localFirstPage,
  syncedHeaderOf,
} from "../sqlite-format/database-header.js";
import { PAGE_SIZE, pageIdOf } from "../values/page.js";
import type { ReplicaConfig } from "./replica-config.js";
import { replicaFiles } from "./replica-session.js";

/** A database downloaded beside the place where it is to be; not yet in it. */
export interface BootstrapResult {
  /** `undefined` when the remote database has no page yet. */
  readonly downloadedFile: string | undefined;
  readonly revision: string | undefined;
  readonly pages: SyncedPages;
}

/**
 * Downloads the whole remote database into a file beside the replica's path, page by page to its place, so that memory
 * stays flat whatever the size. Durable on return. A download that breaks off leaves nothing that counts.
 */
export function* bootstrap(config: ReplicaConfig): Coroutine<BootstrapResult> {
  const path = replicaFiles(config.path).download;
  const file = (yield* io.openFile(path, "replace")) as FileHandle;
  try {
    const header = yield* downloadAll(config, file);
    return yield* namingEndpoint(header.endpoint, finishDownload(path, file, header));
  } finally {
    yield* io.closeFile(file);
  }
}

/** Makes the downloaded pages a database file. */
function* finishDownload(path: string, file: FileHandle, header: PullHeader): Coroutine<BootstrapResult> {
  if (header.databaseSize === 0) {
    const pages = { databaseSize: 0, header: undefined, watermark: undefined, revertId: undefined };
    return { downloadedFile: undefined, revision: undefined, pages };
  }
  const first = yield* io.readAt(file, 0, PAGE_SIZE);
  checkRemoteFirstPage(first, header.databaseSize);
  yield* io.writeAt(file, 0, localFirstPage(first));
  yield* io.truncateFile(file, header.databaseSize * PAGE_SIZE);
  yield* io.syncFile(file);
  return {
    downloadedFile: path,
    revision: header.revision,
    pages: {
      databaseSize: header.databaseSize,
      header: syncedHeaderOf(first),
      watermark: undefined,
      revertId: undefined,
    },
  };
}

/** Pulls every page, in chunks where the configuration asks for it: the first tells the revision for the others. */
function* downloadAll(config: ReplicaConfig, file: FileHandle): Coroutine<PullHeader> {
  const { pullBytesThreshold } = config;
  if (pullBytesThreshold === undefined) return yield* downloadRange(config, file, undefined, new PageMap());
  const chunk = Math.max(1, Math.floor(pullBytesThreshold / PAGE_SIZE));
  const received = new PageMap();
  let header: PullHeader | undefined;
  for (let from = 0; from === 0 || from < (header as PullHeader).databaseSize; from += chunk) {
    header = yield* downloadRange(
      config,
      file,
      { range: { from, to: from + chunk }, first: header },
      received,
    );
  }
  return header as PullHeader;
}

interface Chunk {
  readonly range: { readonly from: number; readonly to: number };
  /** Header of the first chunk; `undefined` in the first chunk. */
  readonly first: PullHeader | undefined;
}

function* downloadRange(
  config: ReplicaConfig,
  file: FileHandle,
  chunk: Chunk | undefined,
  received: PageMap,
): Coroutine<PullHeader> {
  const { pull, header } = yield* io.startPull({
    ...(chunk !== undefined && { pages: chunk.range }),
    ...(chunk?.first !== undefined && { serverRevision: chunk.first.revision }),
    longPollTimeoutMs: 0,
  });
  try {
    yield* namingEndpoint(header.endpoint, receiveRange(config, file, { pull, header, chunk, received }));
    return header;
  } finally {
    yield* io.endPull(pull);
  }
}

interface RangeInProgress {
  readonly pull: PullHandle;
  readonly header: PullHeader;
  readonly chunk: Chunk | undefined;
  readonly received: PageMap;
}

function* receiveRange(
  config: ReplicaConfig,
  file: FileHandle,
  { pull, header, chunk, received }: RangeInProgress,
): Coroutine<void> {
  const { revision, databaseSize } = chunk?.first ?? header;
  if (header.revision !== revision || header.databaseSize !== databaseSize) {
    throw new SyncError(
      "invalid-page-stream",
      `The remote was asked for pages of revision ${revision} and answered with revision ${header.revision}.`,
    );
  }
  for (let batch = yield* io.receivePages(pull); batch !== undefined; batch = yield* io.receivePages(pull)) {
    received.addAll(batch.pageIds, databaseSize);
    yield* writePages(file, batch.pageIds, batch.bytes);
    config.onProgress?.({ phase: "bootstrap", done: received.size, total: databaseSize });
  }
  const expected = Math.min(chunk?.range.to ?? databaseSize, databaseSize);
  const missing = received.firstMissing(expected);
  // Nothing is ever stored in the lock-byte page, so a remote need not have it.
  if (missing === undefined || (missing === pageIdOf(LOCK_BYTE_PAGE) && received.size >= expected - 1))
    return;
  throw new SyncError(
    "invalid-page-stream",
    `The remote announced ${databaseSize} pages and sent ${received.size}; the first one missing has the id ${missing}.`,
  );
}

/** Writes each run of consecutive pages with one request. */
function* writePages(file: FileHandle, pageIds: Uint32Array, bytes: Uint8Array): Coroutine<void> {
  for (let from = 0; from < pageIds.length; ) {
    let to = from + 1;
    while (to < pageIds.length && pageIds[to] === (pageIds[to - 1] as number) + 1) to++;
    const run = bytes.subarray(from * PAGE_SIZE, to * PAGE_SIZE);
    yield* io.writeAt(file, (pageIds[from] as number) * PAGE_SIZE, run);
    from = to;
  }
}
