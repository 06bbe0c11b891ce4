import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { FileHandle } from "../ports/io-operations.js";
import {
  type PageImages,
  type PublishPlan,
  type ReplicaPages,
  type SyncedPages,
  UNKNOWN_PAGES,
  type WalPosition,
} from "../ports/replica-pages.js";
import {
  localFirstPage,
  movesPages,
  nextSchemaCookie,
  remoteFirstPage,
  syncedHeaderOf,
} from "../sqlite-format/database-header.js";
import { sameSalts } from "../sqlite-format/wal-header.js";
import { followWatermark, foreignWriter } from "./follow-watermark.js";
import { rollbackPages, type WalPublishPlan } from "./publish-plan.js";
import { ReplicaImages } from "./replica-images.js";
import { RECORDS_PER_TRANSFER, RevertFile } from "./revert-file.js";
import { samePosition } from "./same-position.js";
import { WalIndex } from "./wal-index.js";
import { type LogCommit, WalLog } from "./wal-log.js";

/** A read that makes a connection open a snapshot; `BEGIN` alone does not. */
const TOUCH_SQL = "SELECT 1 FROM sqlite_schema LIMIT 1";

/**
 * Opens the pages of a replica on stock SQLite. `synced` is what the metadata says; the connections are open, and
 * nobody writes before `settle` and the saving of its state. Fails with `foreign-writer` or `damaged-file` when the
 * synced state cannot be told any more.
 */
export function* openWalReplicaPages(path: string, synced: SyncedPages): Coroutine<ReplicaPages> {
  const log = new WalLog(`${path}-wal`);
  const index = new WalIndex(`${path}-shm`);
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
    yield* index.open();
    const images = new ReplicaImages(path, database, log, revert);
    return new WalReplicaPages({ path, database, index, log, images }, { ...synced, watermark });
  } catch (error) {
    yield* log.close();
    if (revert !== undefined) yield* revert.close();
    throw error;
  }
}

interface ReplicaFiles {
  readonly path: string;
  readonly database: FileHandle;
  readonly index: WalIndex;
  readonly log: WalLog;
  readonly images: ReplicaImages;
}

/** A state that is the synced one and the replica's own tables, nothing else. */
interface Rest {
  /** The end of the log then. */
  readonly logEnd: WalPosition | undefined;
  /** In which pages of the synced state it differs from it. */
  readonly own: ReadonlySet<number>;
  /** These may hold more than the replica's own tables: with `auto_vacuum`, making those has moved pages of the app's. */
  readonly isMixed: boolean;
}

class WalReplicaPages implements ReplicaPages {
  readonly #files: ReplicaFiles;
  #synced: SyncedPages;
  #guardStands = false;
  /** The guard's transaction has read, and so keeps what it has seen. */
  #guardHasRead = false;
  /** It had when the log was last read, and has stood since. */
  #isGuarded = false;
  /** A publish that was found checkpointed, and not yet replayed. */
  #foundInFile: PublishPlan | undefined;
  /** First salt of the last generation known, to be followed by one more. */
  #lastSalt1: number | undefined;
  /** The local state when it came to rest; `undefined`: it has not. */
  #rest: Rest | undefined;

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
    const { images, log } = this.#files;
    yield* this.#saveSynced(images.touchedPages(this.#synced));
    const end = images.logEnd;
    if (!samePosition(end, this.#synced.watermark)) yield* log.sync();
    // Only now may the watermark pass the touched pages: until their images are durable, the log has the only ones.
    this.#synced = { ...this.#synced, watermark: end };
    return this.#synced;
  }

  /** Saves the synced images of those of these pages that have no revert page yet. Durable. */
  *#saveSynced(touched: readonly number[]): Coroutine<void> {
    const { images, path } = this.#files;
    const missing = touched.filter((page) => images.revert?.has(page) !== true);
    for (let from = 0; from < missing.length; from += RECORDS_PER_TRANSFER) {
      const pages = missing.slice(from, from + RECORDS_PER_TRANSFER);
      const bytes = yield* images.synced(Uint32Array.from(pages), this.#synced).read(0, pages.length);
      images.revert ??= yield* RevertFile.create(`${path}-revert`);
      yield* images.revert.append(pages, bytes);
    }
    const revertId = images.revert?.revertId;
    if (revertId === this.#synced.revertId) return;
    yield* (images.revert as RevertFile).sync();
    this.#synced = { ...this.#synced, revertId };
  }

  *planPublish(remote: PageImages, databaseSize: number): Coroutine<WalPublishPlan> {
    yield* this.#refresh();
    if (databaseSize < 1) {
      throw new SyncError("unexpected-response", "The remote sent pages of a database without any.");
    }
    const { images } = this.#files;
    const rollback = rollbackPages(images.pagesToRevert(this.#synced), this.#synced, remote, databaseSize);
    const first = remote.pageNumbers.indexOf(1);
    const header = first === -1 ? this.#synced.header : syncedHeaderOf(yield* remote.read(first, first + 1));
    if (header === undefined)
      throw new SyncError("internal", "The header of the synced page 1 is not known.");
    const start = images.logEnd ?? (yield* this.#startOfNextLog());
    const end = { ...start, frames: start.frames + rollback.length + remote.pageNumbers.length };
    return {
      start,
      end,
      synced: { databaseSize, header, watermark: end, revertId: undefined },
      schemaCookie: nextSchemaCookie(yield* images.schemaCookie(), header.schemaCookie),
    };
  }

  *publish(plan: PublishPlan, remote: PageImages, databaseSize: number): Coroutine<void> {
    yield* this.#refresh();
    const { images, log } = this.#files;
    const rollback = rollbackPages(images.pagesToRevert(this.#synced), this.#synced, remote, databaseSize);
    const { start, end } = plan;
    const holds =
      databaseSize === plan.synced.databaseSize &&
      end.frames === start.frames + rollback.length + remote.pageNumbers.length &&
      start.frames === (log.index?.frames ?? 0) &&
      (log.index === undefined || sameSalts(log.index.header, start));
    if (!holds) throw new SyncError("internal", "The log is not where the publish was planned.");
    const { schemaCookie } = plan as WalPublishPlan;
    this.#rest = undefined;
    yield* this.#append(start, {
      images: [images.synced(rollback, this.#synced), remote],
      databaseSize,
      patchFirstPage: (image) => localFirstPage(image, schemaCookie),
    });
  }

  *markRest(): Coroutine<void> {
    yield* this.#refresh();
    const { images } = this.#files;
    const { logEnd } = images;
    const first = yield* images.local(Uint32Array.of(1), logEnd?.frames ?? 0).read(0, 1);
    const own = new Set(images.pagesToRevert(this.#synced));
    this.#rest = { logEnd, own, isMixed: movesPages(first) };
  }

  *rests(): Coroutine<boolean> {
    yield* this.#refresh();
    return this.#writtenSinceRest()?.size === 0;
  }

  *mayLayOver(remote: PageImages, databaseSize: number): Coroutine<boolean> {
    yield* this.#refresh();
    const { images } = this.#files;
    const written = this.#writtenSinceRest();
    if (this.#rest === undefined || written === undefined) return false;
    const { own, isMixed } = this.#rest;
    // What the app has written to those pages could not be told from what is to stay.
    if (isMixed && written.size > 0) return false;
    // Page 1 says where free pages are and which schema holds: with another one, the replica's own tables must make way.
    if (databaseSize !== this.#synced.databaseSize || written.has(1)) return false;
    if (remote.pageNumbers.some((page) => page === 1 || own.has(page))) return false;
    // A revert page would go on to stand for the synced image of the page.
    return [...(images.revert?.pages ?? [])].every((page) => own.has(page));
  }

  *layOver(remote: PageImages, databaseSize: number): Coroutine<SyncedPages | undefined> {
    if (!(yield* this.mayLayOver(remote, databaseSize))) return undefined;
    const { images } = this.#files;
    const { own } = this.#rest as Rest;
    // What lies in the log up to the new end counts as synced, save for pages that have a revert page.
    yield* this.#saveSynced(images.touchedPages(this.#synced).filter((page) => own.has(page)));
    const start = images.logEnd ?? (yield* this.#startOfNextLog());
    const localSize = yield* images.localSize(start.frames);
    const brought = new Set(remote.pageNumbers);
    const rollback = [...(this.#writtenSinceRest() as ReadonlySet<number>)].filter(
      (page) => page <= databaseSize && !own.has(page) && !brought.has(page),
    );
    yield* this.#append(start, {
      images: [images.synced(Uint32Array.from(rollback), this.#synced), remote],
      databaseSize: localSize,
      patchFirstPage: (image) => image,
    });
    return { ...this.#synced, watermark: images.logEnd };
  }

  *follow(synced: SyncedPages): Coroutine<void> {
    yield* this.#files.index.confirm();
    this.#synced = synced;
    if (this.#rest !== undefined) this.#rest = { ...this.#rest, logEnd: synced.watermark };
  }

  *isPublished(plan: PublishPlan): Coroutine<boolean> {
    yield* this.#refresh();
    const { schemaCookie, start, end } = plan as WalPublishPlan;
    const { images, log } = this.#files;
    const { index } = log;
    if (index === undefined || !sameSalts(index.header, start)) {
      // The log that was planned for is gone, or was never begun. When the process died and a reader in another one was
      // the last to close, its checkpoint has moved the publish into the database file.
      const cookie = yield* images.schemaCookie();
      this.#foundInFile = cookie === schemaCookie && index === undefined ? plan : undefined;
      return cookie >= schemaCookie;
    }
    return (
      index.isOneCommit(start.frames, end.frames) &&
      index.frameOf(1, end.frames) > start.frames &&
      index.sizeAt(end.frames) === plan.synced.databaseSize &&
      (yield* images.schemaCookie(end.frames)) === schemaCookie
    );
  }

  *adopt(plan: PublishPlan): Coroutine<void> {
    yield* this.#refresh();
    const { images, log, path } = this.#files;
    let { watermark } = plan.synced;
    if (log.index === undefined || !sameSalts(log.index.header, plan.end)) {
      if (this.#foundInFile !== plan) throw foreignWriter(path);
      watermark = undefined;
    }
    this.#foundInFile = undefined;
    this.#synced = { ...plan.synced, watermark };
    if (images.revert !== undefined) yield* images.revert.close();
    images.revert = undefined;
  }

  *dropRevertPages(): Coroutine<void> {
    if (this.#files.images.revert === undefined) yield* io.removeFile(`${this.#files.path}-revert`);
  }

  *undoPublish(plan: PublishPlan): Coroutine<SyncedPages> {
    if (!(yield* this.isPublished(plan))) return yield* this.settle();
    const { images, log, path } = this.#files;
    const { start, end } = plan;
    if (log.index === undefined || !sameSalts(log.index.header, start)) throw foreignWriter(path);
    const databaseSize = yield* images.localSize(start.frames);
    const published = [...log.index.pagesBetween(start.frames, end.frames)];
    const pages = Uint32Array.from(published.filter((page) => page <= databaseSize)).sort();
    const schemaCookie = nextSchemaCookie(yield* images.schemaCookie(), 0);
    yield* this.#append(images.logEnd as WalPosition, {
      images: [images.local(pages, start.frames)],
      databaseSize,
      patchFirstPage: (image) => localFirstPage(image, schemaCookie),
    });
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
    const image = yield* this.#files.images.synced(Uint32Array.of(pageNumber), this.#synced).read(0, 1);
    return pageNumber === 1 && header !== undefined ? remoteFirstPage(image, header) : image;
  }

  *forget(): Coroutine<void> {
    const { images } = this.#files;
    if (images.revert !== undefined) yield* images.revert.close();
    images.revert = undefined;
    this.#synced = UNKNOWN_PAGES;
    this.#rest = undefined;
  }

  *logFrames(): Coroutine<number> {
    yield* this.#refresh();
    return this.#files.log.index?.frames ?? 0;
  }

  // biome-ignore lint/correctness/useYield: answers without asking the host.
  *revertBytes(): Coroutine<number> {
    return this.#files.images.revert?.bytes ?? 0;
  }

  *checkpoint(): Coroutine<SyncedPages> {
    yield* this.#refresh();
    // Something was committed since `settle`: its touched pages are not saved, so the log has to stay.
    if (!samePosition(this.#files.images.logEnd, this.#synced.watermark)) return this.#synced;
    const rests = samePosition(this.#files.images.logEnd, this.#rest?.logEnd);
    yield* this.#releaseGuard();
    try {
      // Busy is no failure: some reader stands on the log, which stays as it is.
      yield* io.querySql("writer", "PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      yield* this.renewGuard();
    }
    // What was written since it came to rest can be told from the log only.
    this.#rest = rests && this.#rest ? { ...this.#rest, logEnd: this.#files.images.logEnd } : undefined;
    return this.#synced;
  }

  *renewGuard(): Coroutine<void> {
    yield* this.#files.index.confirm();
    yield* this.#releaseGuard();
    yield* io.executeSql("guard", "BEGIN");
    this.#guardStands = true;
    yield* io.querySql("guard", TOUCH_SQL);
    this.#guardHasRead = true;
    // What comes after this, it keeps out of the database file.
    yield* this.#refresh();
  }

  *close(): Coroutine<void> {
    const { database, images, index, log } = this.#files;
    yield* log.close();
    if (images.revert !== undefined) yield* images.revert.close();
    yield* index.close();
    yield* io.closeFile(database);
  }

  /** The pages that were written since the local state came to rest; `undefined` where that cannot be told. */
  #writtenSinceRest(): ReadonlySet<number> | undefined {
    const { images, log } = this.#files;
    const { logEnd } = images;
    if (this.#rest === undefined) return undefined;
    if (samePosition(logEnd, this.#rest.logEnd)) return new Set();
    if (log.index === undefined || logEnd === undefined) return undefined;
    if (this.#rest.logEnd !== undefined && !sameSalts(this.#rest.logEnd, logEnd)) return undefined;
    return log.index.pagesBetween(this.#rest.logEnd?.frames ?? 0);
  }

  *#refresh(): Coroutine<void> {
    const { log, path } = this.#files;
    const before = log.index;
    yield* log.refresh();
    const watermark = followWatermark(path, this.#synced.watermark, before, log.index, this.#isGuarded);
    this.#isGuarded = this.#guardHasRead;
    this.#lastSalt1 = log.index?.header.salt1 ?? this.#lastSalt1;
    if (watermark !== this.#synced.watermark) this.#synced = { ...this.#synced, watermark };
  }

  *#releaseGuard(): Coroutine<void> {
    this.#guardHasRead = false;
    this.#isGuarded = false;
    if (this.#guardStands) yield* io.executeSql("guard", "COMMIT");
    this.#guardStands = false;
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

  /** Appends a commit and lets the connections know of it, once the transaction of the caller has ended. */
  *#append(start: WalPosition, commit: LogCommit): Coroutine<void> {
    const { index, log } = this.#files;
    const appended = yield* log.append(start, commit);
    try {
      yield* index.add(appended);
    } catch (error) {
      yield* log.revoke();
      throw error;
    }
    yield* this.#refresh();
  }
}
