import { PAGE_SIZE } from "@tributary/core";
import { delimit, encodePageMessages, encodePullUpdatesHeader, type PageSelector } from "@tributary/wire";
import type { ServerDatabase } from "../database/server-database.js";
import type { PulledBody } from "../http/pulled-body.js";
import { selectPages } from "./page-selection.js";
import { formatRevision } from "./revision.js";
import type { Snapshot } from "./snapshot.js";
import { streamBatches } from "./stream-batches.js";

/** Pages read at once: 256 KiB. */
const BATCH_PAGES = 64;

/**
 * The answer to a pull: the header, then the pages. Takes the snapshot and the selector over and lets go of them at the
 * end. What fits into one batch comes as bytes; a longer answer reads the next batch only when the client has taken the
 * one before. A client that takes nothing for `downloadStallTimeoutMs` gets an error in place of the rest: as long as it is
 * waited for, the WAL cannot be checkpointed. `onEnd` is called once, when nothing is read any more.
 */
export function createPullBody(
  database: ServerDatabase,
  snapshot: Snapshot,
  changed: Uint32Array | undefined,
  selector: PageSelector | undefined,
  onEnd: () => void,
): Uint8Array | PulledBody {
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    selector?.dispose();
    database.snapshots.release(snapshot);
    onEnd();
  };
  try {
    const selection = selectPages(snapshot.databaseSize, changed, selector);
    // Read anew for each batch, which is a copy of it: a buffer of its own for each would have to be cleared first.
    let buffer: Uint8Array | undefined;
    const nextBatch = (): Uint8Array | undefined => {
      const pageIds = selection.next(BATCH_PAGES);
      if (pageIds.length === 0) return undefined;
      buffer ??= new Uint8Array(pageIds.length * PAGE_SIZE);
      const pages = buffer.subarray(0, pageIds.length * PAGE_SIZE);
      database.readPages(snapshot, pageIds, pages);
      return encodePageMessages(pageIds, pages);
    };
    const header = encodePullUpdatesHeader({
      serverRevision: formatRevision(snapshot.revision),
      databaseSize: snapshot.databaseSize,
      encoding: "raw",
      applyMode: "incremental",
      protocol: "pages",
    });
    const firstBatch = nextBatch();
    const secondBatch = firstBatch === undefined ? undefined : nextBatch();
    const first = Buffer.concat(firstBatch === undefined ? [delimit(header)] : [delimit(header), firstBatch]);
    if (secondBatch !== undefined) return streamBatches(database, [first, secondBatch], nextBatch, end);
    end();
    return first;
  } catch (error) {
    end();
    throw error;
  }
}
