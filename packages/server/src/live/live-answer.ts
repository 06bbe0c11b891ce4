import { PAGE_SIZE } from "@tributary/core";
import type { LivePull, LivePullRequest } from "@tributary/live";
import type { ServerDatabase } from "../database/server-database.js";
import type { OpenPull } from "../pages/open-pull.js";
import { formatRevision } from "../pages/revision.js";
import type { Snapshot } from "../pages/snapshot.js";
import type { PageBatch, PullCache } from "./pull-cache.js";
import { toLiveRefusal } from "./to-live-refusal.js";

/** Pages read at once: 256 KiB. */
const BATCH_PAGES = 64;
/** An answer of no more pages is read at once, and kept for others: 1 MiB. */
const SMALL_PAGES = 256;

/** Options of {@link createLiveAnswer}. */
export interface LiveAnswerOptions {
  readonly database: ServerDatabase;
  readonly request: Pick<LivePullRequest, "clientRevision" | "pages">;
  readonly pull: OpenPull;
  readonly cache: PullCache;
  /** Called once, when nothing is read any more. */
  readonly onEnd: () => void;
}

/**
 * The answer to a pull. Takes the snapshot over. One that is small is read here and now, or was for somebody else, and holds
 * no revision; of a longer one the pages are read as they are asked for. Throws `ServerError`.
 */
export function createLiveAnswer({
  database,
  request,
  pull: { snapshot, changed },
  cache,
  onEnd,
}: LiveAnswerOptions): LivePull {
  const revision = formatRevision(snapshot.revision);
  const { databaseSize } = snapshot;
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    database.snapshots.release(snapshot);
    onEnd();
  };
  const { from = 0, to = databaseSize } = request.pages ?? {};
  const selection = changed?.filter((pageId) => pageId >= from && pageId < to);
  const nextIds = selection === undefined ? idsOfRange(from, Math.min(to, databaseSize)) : idsOf(selection);
  const next = (): PageBatch | undefined => readBatch(database, snapshot, nextIds());
  try {
    const { clientRevision } = request;
    if (clientRevision === undefined || selection === undefined || selection.length > SMALL_PAGES) {
      const read = (): PageBatch | undefined => {
        try {
          return isOver ? undefined : next();
        } catch (error) {
          throw toLiveRefusal(error);
        }
      };
      return { revision, databaseSize, next: read, close: end };
    }
    const isWhole = request.pages === undefined;
    const batches = isWhole ? cache.get(clientRevision, revision, () => [...all(next)]) : [...all(next)];
    end();
    let given = 0;
    return { revision, databaseSize, next: () => batches[given++], close: () => {} };
  } catch (error) {
    end();
    throw error;
  }
}

function readBatch(
  database: ServerDatabase,
  snapshot: Snapshot,
  pageIds: Uint32Array,
): PageBatch | undefined {
  if (pageIds.length === 0) return undefined;
  const bytes = new Uint8Array(pageIds.length * PAGE_SIZE);
  database.readPages(snapshot, pageIds, bytes);
  return { pageIds, bytes };
}

function* all(next: () => PageBatch | undefined): Generator<PageBatch> {
  for (let batch = next(); batch !== undefined; batch = next()) yield batch;
}

function idsOf(pageIds: Uint32Array): () => Uint32Array {
  let position = 0;
  return () => {
    const ids = pageIds.subarray(position, position + BATCH_PAGES);
    position += ids.length;
    return ids;
  };
}

function idsOfRange(from: number, to: number): () => Uint32Array {
  let nextId = from;
  return () => {
    const ids = new Uint32Array(Math.max(0, Math.min(BATCH_PAGES, to - nextId)));
    for (let index = 0; index < ids.length; index++) ids[index] = nextId++;
    return ids;
  };
}
