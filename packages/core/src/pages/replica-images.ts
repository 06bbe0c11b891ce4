import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import type { FileHandle } from "../ports/io-operations.js";
import type { PageImages, SyncedPages, WalPosition } from "../ports/replica-pages.js";
import {
  DATABASE_HEADER_SIZE,
  LOCK_BYTE_PAGE,
  parseDatabaseHeader,
  schemaCookieOf,
} from "../sqlite-format/database-header.js";
import { PAGE_SIZE } from "../values/page.js";
import { type ImageLocation, readImages } from "./read-images.js";
import type { RevertFile } from "./revert-file.js";
import type { WalLog } from "./wal-log.js";

/**
 * Where the images of a replica are:
 * - of the synced state: the revert file, else the newest frame up to the watermark, else the database file;
 * - of the local state: the newest committed frame, else the database file.
 *
 * The database file never gets ahead of the watermark: the guard's transaction keeps every checkpoint from it.
 */
export class ReplicaImages {
  readonly #path: string;
  readonly #database: FileHandle;
  readonly #log: WalLog;
  /** Open while the synced state names it, or is about to. */
  revert: RevertFile | undefined;

  constructor(path: string, database: FileHandle, log: WalLog, revert: RevertFile | undefined) {
    this.#path = path;
    this.#database = database;
    this.#log = log;
    this.revert = revert;
  }

  /** The end of the last commit in the log; `undefined` when the log has none. */
  get logEnd(): WalPosition | undefined {
    const { index } = this.#log;
    if (index === undefined || index.frames === 0) return undefined;
    return { salt1: index.header.salt1, salt2: index.header.salt2, frames: index.frames };
  }

  /** The pages of the synced state that were changed, or cut off, behind the watermark; ascending. */
  touchedPages({ databaseSize, watermark }: SyncedPages): number[] {
    const { index } = this.#log;
    if (index === undefined) return [];
    const after = watermark?.frames ?? 0;
    const pages = index.pagesBetween(after);
    // A database that shrinks loses pages without a frame of theirs; the next checkpoint cuts them off the file.
    for (let page = index.smallestSizeAfter(after) + 1; page <= databaseSize; page++) pages.add(page);
    const inSynced = [...pages].filter((page) => page <= databaseSize && page !== LOCK_BYTE_PAGE);
    return inSynced.sort((left, right) => left - right);
  }

  /** All pages whose local image may differ from the synced one. */
  *pagesToRevert(synced: SyncedPages): Generator<number, void> {
    yield* this.touchedPages(synced);
    yield* this.revert?.pages ?? [];
  }

  /** Synced images of those pages. */
  synced(pageNumbers: Uint32Array, { watermark }: SyncedPages): PageImages {
    const locate = (page: number): ImageLocation =>
      this.revert?.locationOf(page) ?? this.#locationAt(page, watermark?.frames ?? 0);
    return this.#images(pageNumbers, locate);
  }

  /** Local images of those pages as of the commit that ends with the frame `frames`; 0: as the log began. */
  local(pageNumbers: Uint32Array, frames: number): PageImages {
    return this.#images(pageNumbers, (page) => this.#locationAt(page, frames));
  }

  /** Size of the local state as of that commit, in pages. */
  *localSize(frames: number): Coroutine<number> {
    const inLog = this.#log.index?.sizeAt(frames);
    if (inLog !== undefined) return inLog;
    const header = parseDatabaseHeader(yield* io.readAt(this.#database, 0, DATABASE_HEADER_SIZE));
    return header?.databaseSize ?? Math.floor((yield* io.fileSize(this.#database)) / PAGE_SIZE);
  }

  /** Schema cookie of the local state as of that commit; 0 before there is any. */
  *schemaCookie(frames: number = this.#log.index?.frames ?? 0): Coroutine<number> {
    if (frames === 0 && (yield* io.fileSize(this.#database)) < PAGE_SIZE) return 0;
    return schemaCookieOf(yield* this.local(Uint32Array.of(1), frames).read(0, 1));
  }

  #locationAt(page: number, frames: number): ImageLocation {
    const frame = this.#log.index?.frameOf(page, frames) ?? 0;
    if (frame > 0) return this.#log.locationOf(frame);
    return { file: this.#database, offset: (page - 1) * PAGE_SIZE };
  }

  #images(pageNumbers: Uint32Array, locate: (page: number) => ImageLocation): PageImages {
    return {
      pageNumbers,
      read: (from, to) => readImages(Array.from(pageNumbers.subarray(from, to), locate), this.#path),
    };
  }
}
