import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { FileHandle } from "../ports/io-operations.js";
import type {
  PageImages,
  PublishPlan,
  ReplicaPages,
  SyncedPages,
  WalPosition,
} from "../ports/replica-pages.js";
import {
  DATABASE_HEADER_SIZE,
  LOCK_BYTE_PAGE,
  localFirstPage,
  nextSchemaCookie,
  parseDatabaseHeader,
  remoteFirstPage,
  schemaCookieOf,
  syncedHeaderOf,
} from "../sqlite-format/database-header.js";
import { PAGE_SIZE } from "../values/page.js";
import { followWatermark, foreignWriter } from "./follow-watermark.js";
import { rollbackPages, type WalPublishPlan } from "./publish-plan.js";
import { type ImageLocation, readImages } from "./read-images.js";
import { RECORDS_PER_TRANSFER, RevertFile } from "./revert-file.js";
import { sameSalts, WalLog } from "./wal-log.js";

/** A read that makes a connection open a snapshot; `BEGIN` alone does not. */
const TOUCH_SQL = "SELECT 1 FROM sqlite_schema LIMIT 1";
/** The change counter in the first of the two headers of the wal-index. */
const WAL_INDEX_CHANGE_OFFSET = 8;

/**
 * Opens the pages of a replica on stock SQLite. `synced` is what the metadata says; the connections are open. Fails
 * with `foreign-writer` or `damaged-file` when the synced state cannot be told any more.
 */
export function* openWalReplicaPages(path: string, synced: SyncedPages): Coroutine<ReplicaPages> {
  const log = new WalLog(`${path}-wal`);
  let revert: RevertFile | undefined;
  try {
    // The first read makes the log and its index, and recovers what a crash left.
    yield* io.querySql("writer", TOUCH_SQL);
    if (synced.revertId !== undefined) revert = yield* RevertFile.open(`${path}-revert`, synced.revertId);
    yield* log.refresh();
    const watermark = followWatermark(path, synced.watermark, undefined, log.index);
    // Opened last: whatever fails before can be closed again, these two not while SQLite has locks on them.
    const database = yield* io.openFile(path, "read");
    if (database === undefined) throw new SyncError("io-failed", `${path} is gone.`, { path });
    const walIndex = yield* io.openFile(`${path}-shm`, "write");
    return new WalReplicaPages({ path, database, walIndex, log, revert }, { ...synced, watermark });
  } catch (error) {
    yield* log.close();
    if (revert !== undefined) yield* revert.close();
    throw error;
  }
}

interface ReplicaFiles {
  readonly path: string;
  readonly database: FileHandle;
  walIndex: FileHandle | undefined;
  readonly log: WalLog;
  /** Open while `synced.revertId` names it, or about to be named. */
  revert: RevertFile | undefined;
}

/**
 * Where images are:
 * - of the synced state: the revert file, else the newest frame up to the watermark, else the database file;
 * - of the local state: the newest committed frame, else the database file.
 *
 * The database file never gets ahead of the watermark: the guard's transaction keeps every checkpoint from it.
 */
class WalReplicaPages implements ReplicaPages {
  readonly #files: ReplicaFiles;
  #synced: SyncedPages;
  #guardStands = false;
  /** A publish that was found checkpointed, and not yet replayed. */
  #foundInFile: PublishPlan | undefined;
  /** First salt of the last generation known, to be followed by one more. */
  #lastSalt1: number | undefined;

  constructor(files: ReplicaFiles, synced: SyncedPages) {
    this.#files = files;
    this.#synced = synced;
    this.#lastSalt1 = files.log.index?.header.salt1;
  }

  get synced(): SyncedPages {
    return this.#synced;
  }

  *settle(): Coroutine<SyncedPages> {
    yield* this.#refresh();
    const { log, path } = this.#files;
    const missing = this.#touchedPages().filter((page) => this.#files.revert?.has(page) !== true);
    for (let from = 0; from < missing.length; from += RECORDS_PER_TRANSFER) {
      const pages = missing.slice(from, from + RECORDS_PER_TRANSFER);
      const images = yield* readImages(
        pages.map((page) => this.#syncedLocation(page)),
        path,
      );
      this.#files.revert ??= yield* RevertFile.create(`${path}-revert`);
      yield* this.#files.revert.append(pages, images);
    }
    const { revert } = this.#files;
    const revertId = revert?.revertId;
    if (revert !== undefined && revertId !== this.#synced.revertId) yield* revert.sync();
    const end = this.#logEnd();
    if (!samePosition(end, this.#synced.watermark)) yield* log.sync();
    // Only now may the watermark pass the touched pages: until their images are durable, the log has the only ones.
    this.#synced = { ...this.#synced, watermark: end, revertId };
    return this.#synced;
  }

  *planPublish(remote: PageImages, databaseSize: number): Coroutine<WalPublishPlan> {
    yield* this.#refresh();
    if (databaseSize < 1) {
      throw new SyncError("unexpected-response", "The remote sent pages of a database without any.");
    }
    const rollback = rollbackPages(this.#pagesToRevert(), this.#synced, remote, databaseSize);
    const firstPage = remote.pageNumbers.indexOf(1);
    const header =
      firstPage === -1 ? this.#synced.header : syncedHeaderOf(yield* remote.read(firstPage, firstPage + 1));
    if (header === undefined)
      throw new SyncError("internal", "The header of the synced page 1 is not known.");
    const start = this.#logEnd() ?? (yield* this.#startOfNextLog());
    const end = { ...start, frames: start.frames + rollback.length + remote.pageNumbers.length };
    return {
      start,
      end,
      synced: { databaseSize, header, watermark: end, revertId: undefined },
      schemaCookie: nextSchemaCookie(yield* this.#localCookie(), header.schemaCookie),
    };
  }

  *publish(plan: PublishPlan, remote: PageImages, databaseSize: number): Coroutine<void> {
    yield* this.#refresh();
    const rollback = rollbackPages(this.#pagesToRevert(), this.#synced, remote, databaseSize);
    const { start, end } = plan;
    const { index } = this.#files.log;
    const holds =
      databaseSize === plan.synced.databaseSize &&
      end.frames === start.frames + rollback.length + remote.pageNumbers.length &&
      start.frames === (index?.frames ?? 0) &&
      (index === undefined || sameSalts(index.header, start));
    if (!holds) throw new SyncError("internal", "The log is not where the publish was planned.");
    const images = [this.#imagesAt(rollback, (page) => this.#syncedLocation(page)), remote];
    yield* this.#append(start, images, databaseSize, (plan as WalPublishPlan).schemaCookie);
  }

  *isPublished(plan: PublishPlan): Coroutine<boolean> {
    yield* this.#refresh();
    const { schemaCookie } = plan as WalPublishPlan;
    const { start, end } = plan;
    const { index } = this.#files.log;
    if (index === undefined || !sameSalts(index.header, start)) {
      // The log that was planned for is gone, or was never begun. A checkpoint by the last reader that closed, after
      // the process here had died, moves a publish into the database file.
      const cookie = yield* this.#localCookie();
      this.#foundInFile = cookie === schemaCookie && index === undefined ? plan : undefined;
      return cookie >= schemaCookie;
    }
    const frame = index.frameOf(1, end.frames);
    if (frame <= start.frames || !index.isOneCommit(start.frames, end.frames)) return false;
    if (index.sizeAt(end.frames) !== plan.synced.databaseSize) return false;
    const image = yield* readImages([this.#files.log.locationOf(frame)], this.#files.path);
    return schemaCookieOf(image) === schemaCookie;
  }

  *adopt(plan: PublishPlan): Coroutine<void> {
    yield* this.#refresh();
    const { index } = this.#files.log;
    let { watermark } = plan.synced;
    if (index === undefined || !sameSalts(index.header, plan.end)) {
      if (this.#foundInFile !== plan) throw foreignWriter(this.#files.path);
      watermark = undefined;
    }
    this.#foundInFile = undefined;
    this.#synced = { ...plan.synced, watermark };
    if (this.#files.revert !== undefined) yield* this.#files.revert.close();
    this.#files.revert = undefined;
  }

  *dropRevertPages(): Coroutine<void> {
    if (this.#synced.revertId === undefined && this.#files.revert === undefined) {
      yield* io.removeFile(`${this.#files.path}-revert`);
    }
  }

  *undoPublish(plan: PublishPlan): Coroutine<SyncedPages> {
    if (!(yield* this.isPublished(plan))) return yield* this.settle();
    const { log, path } = this.#files;
    const { index } = log;
    const { start, end } = plan;
    if (index === undefined || !sameSalts(index.header, start)) throw foreignWriter(path);
    const databaseSize = index.sizeAt(start.frames) ?? (yield* this.#databaseFileSize());
    const pages = [...index.pagesBetween(start.frames, end.frames)].filter((page) => page <= databaseSize);
    const before = this.#imagesAt(Uint32Array.from(pages).sort(), (page) =>
      this.#locationAt(page, start.frames),
    );
    const cookie = nextSchemaCookie(yield* this.#localCookie(), 0);
    yield* this.#append(this.#logEnd() as WalPosition, [before], databaseSize, cookie);
    return yield* this.settle();
  }

  *readSynced(pageNumber: number): Coroutine<Uint8Array> {
    // The log may have been restarted since it was last read; its frames are others then.
    yield* this.#refresh();
    const { databaseSize, header } = this.#synced;
    if (pageNumber < 1 || pageNumber > databaseSize) {
      throw new SyncError(
        "internal",
        `The synced state has ${databaseSize} pages, not a page ${pageNumber}.`,
      );
    }
    const image = yield* readImages([this.#syncedLocation(pageNumber)], this.#files.path);
    return pageNumber === 1 && header !== undefined ? remoteFirstPage(image, header) : image;
  }

  *logFrames(): Coroutine<number> {
    yield* this.#refresh();
    return this.#files.log.index?.frames ?? 0;
  }

  // biome-ignore lint/correctness/useYield: answers without asking the host.
  *revertBytes(): Coroutine<number> {
    return this.#files.revert?.bytes ?? 0;
  }

  *checkpoint(): Coroutine<SyncedPages> {
    yield* this.#refresh();
    // Something was committed since `settle`: its touched pages are not saved, so the log has to stay.
    if (!samePosition(this.#logEnd(), this.#synced.watermark)) return this.#synced;
    if (this.#guardStands) {
      yield* io.executeSql("guard", "COMMIT");
      this.#guardStands = false;
    }
    // Busy is no failure: some reader stands on the log, which stays as it is.
    try {
      yield* io.querySql("writer", "PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      yield* this.renewGuard();
    }
    yield* this.#refresh();
    return this.#synced;
  }

  *renewGuard(): Coroutine<void> {
    if (this.#guardStands) {
      yield* io.executeSql("guard", "COMMIT");
      this.#guardStands = false;
    }
    yield* io.executeSql("guard", "BEGIN");
    this.#guardStands = true;
    yield* io.querySql("guard", TOUCH_SQL);
  }

  *close(): Coroutine<void> {
    const { database, walIndex, log, revert } = this.#files;
    yield* log.close();
    if (revert !== undefined) yield* revert.close();
    if (walIndex !== undefined) yield* io.closeFile(walIndex);
    yield* io.closeFile(database);
  }

  *#refresh(): Coroutine<void> {
    const { log, path } = this.#files;
    const before = log.index;
    yield* log.refresh();
    const watermark = followWatermark(path, this.#synced.watermark, before, log.index);
    this.#lastSalt1 = log.index?.header.salt1 ?? this.#lastSalt1;
    if (watermark !== this.#synced.watermark) this.#synced = { ...this.#synced, watermark };
  }

  /** The pages of the synced state that were changed, or cut off, behind the watermark; ascending. */
  #touchedPages(): number[] {
    const { index } = this.#files.log;
    const { databaseSize, watermark } = this.#synced;
    if (index === undefined) return [];
    const after = watermark?.frames ?? 0;
    const pages = index.pagesBetween(after);
    // A database that shrinks loses pages without a frame of theirs; the next checkpoint cuts them off the file.
    for (let page = index.smallestSizeAfter(after) + 1; page <= databaseSize; page++) pages.add(page);
    const inSynced = [...pages].filter((page) => page <= databaseSize && page !== LOCK_BYTE_PAGE);
    return inSynced.sort((left, right) => left - right);
  }

  /** All pages whose local image may differ from the synced one. */
  *#pagesToRevert(): Generator<number> {
    yield* this.#touchedPages();
    yield* this.#files.revert?.pages ?? [];
  }

  #syncedLocation(page: number): ImageLocation {
    return (
      this.#files.revert?.locationOf(page) ?? this.#locationAt(page, this.#synced.watermark?.frames ?? 0)
    );
  }

  /** Where the image of a page lies as of a commit of the log. */
  #locationAt(page: number, frames: number): ImageLocation {
    const { log, database } = this.#files;
    const frame = log.index?.frameOf(page, frames) ?? 0;
    return frame > 0 ? log.locationOf(frame) : { file: database, offset: (page - 1) * PAGE_SIZE };
  }

  #imagesAt(pageNumbers: Uint32Array, locate: (page: number) => ImageLocation): PageImages {
    const { path } = this.#files;
    return {
      pageNumbers,
      read: (from, to) => readImages(Array.from(pageNumbers.subarray(from, to), locate), path),
    };
  }

  /** The end of the last commit; `undefined` when the log has none. */
  #logEnd(): WalPosition | undefined {
    const { index } = this.#files.log;
    if (index === undefined || index.frames === 0) return undefined;
    return { salt1: index.header.salt1, salt2: index.header.salt2, frames: index.frames };
  }

  /** For a log without a commit: what its header says, or is to say. */
  *#startOfNextLog(): Coroutine<WalPosition> {
    const { index } = this.#files.log;
    if (index !== undefined) return { salt1: index.header.salt1, salt2: index.header.salt2, frames: 0 };
    const random = yield* io.randomBytes(8);
    const view = new DataView(random.buffer, random.byteOffset, random.byteLength);
    // One more than before, as SQLite does it: a process that only knows the generation before can follow.
    const salt1 = this.#lastSalt1 === undefined ? view.getUint32(0) : (this.#lastSalt1 + 1) >>> 0;
    return { salt1, salt2: view.getUint32(4), frames: 0 };
  }

  *#append(
    start: WalPosition,
    images: readonly PageImages[],
    databaseSize: number,
    schemaCookie: number,
  ): Coroutine<void> {
    const { log } = this.#files;
    yield* log.append(start, {
      images,
      databaseSize,
      patchFirstPage: (image) => localFirstPage(image, schemaCookie),
    });
    try {
      yield* this.#makeIndexStale();
    } catch (error) {
      yield* log.revoke(start);
      throw error;
    }
    yield* this.#refresh();
  }

  /**
   * Leaves the wal-index as a writer that died right after its commit frame: its two headers differ, so the next reader
   * in any process rebuilds it from the log. It has to wait for the write lock, which the caller still holds.
   */
  *#makeIndexStale(): Coroutine<void> {
    this.#files.walIndex ??= yield* io.openFile(`${this.#files.path}-shm`, "write");
    const file = this.#files.walIndex;
    // Without a wal-index nobody has read yet: the first reader builds it.
    if (file === undefined) return;
    const byte = yield* io.readAt(file, WAL_INDEX_CHANGE_OFFSET, 1);
    if (byte.length === 0) return;
    yield* io.writeAt(file, WAL_INDEX_CHANGE_OFFSET, Uint8Array.of(((byte[0] as number) + 1) & 0xff));
  }

  /** Schema cookie of the local state; 0 before there is any. */
  *#localCookie(): Coroutine<number> {
    const { path, database, log } = this.#files;
    if ((log.index?.frames ?? 0) === 0 && (yield* io.fileSize(database)) < PAGE_SIZE) return 0;
    return schemaCookieOf(yield* readImages([this.#locationAt(1, log.index?.frames ?? 0)], path));
  }

  /** Size of the database file as SQLite sees it while the log is empty, in pages. */
  *#databaseFileSize(): Coroutine<number> {
    const { database } = this.#files;
    const header = parseDatabaseHeader(yield* io.readAt(database, 0, DATABASE_HEADER_SIZE));
    return header?.databaseSize ?? Math.floor((yield* io.fileSize(database)) / PAGE_SIZE);
  }
}

function samePosition(left: WalPosition | undefined, right: WalPosition | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return sameSalts(left, right) && left.frames === right.frames;
}
