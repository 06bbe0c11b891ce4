import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { FileHandle } from "../ports/io-operations.js";
import type { PageImages, WalPosition } from "../ports/replica-pages.js";
import { HOST_BIG_ENDIAN, WalChecksum } from "../sqlite-format/wal-checksum.js";
import { FRAME_HEADER_SIZE, FRAME_SIZE, frameOffset, sealFrame } from "../sqlite-format/wal-frame.js";
import {
  formatWalHeader,
  parseWalHeader,
  sameSalts,
  WAL_HEADER_SIZE,
  type WalHeader,
} from "../sqlite-format/wal-header.js";
import type { AppendedCommit } from "../sqlite-format/wal-index-format.js";
import { endsCommit, WalScanner } from "../sqlite-format/wal-scanner.js";
import { PAGE_SIZE } from "../values/page.js";
import { FrameIndex } from "./frame-index.js";
import { type ImageLocation, TRANSFER_BYTES } from "./read-images.js";

const FRAMES_PER_TRANSFER = Math.floor(TRANSFER_BYTES / FRAME_SIZE);

/** One commit to append. */
export interface LogCommit {
  /** Written in this order. */
  readonly images: readonly PageImages[];
  /** Size of the database after it, in pages. */
  readonly databaseSize: number;
  /** Page 1 as it goes into the log, from the image given. */
  readonly patchFirstPage: (image: Uint8Array) => Uint8Array;
}

/**
 * The `-wal` file of a database: follows what SQLite commits there, and appends commits as SQLite would. Knows nothing
 * of synced and local. SQLite keeps no locks on this file, so it may be opened and closed freely.
 */
export class WalLog {
  readonly #path: string;
  #file: FileHandle | undefined;
  #index: FrameIndex | undefined;
  #appended: FirstFrame | undefined;
  /** A commit that was given up, and may still be in the file. */
  #unrevoked: FirstFrame | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The frames of the present generation as of the last refresh; `undefined` while the log is empty. */
  get index(): FrameIndex | undefined {
    return this.#index;
  }

  /** Where the image in a frame lies. */
  locationOf(frame: number): ImageLocation {
    return { file: this.#file as FileHandle, offset: frameOffset(frame) + FRAME_HEADER_SIZE };
  }

  /** Reads what was committed since the last time; from the start where the log began anew. */
  *refresh(): Coroutine<void> {
    this.#file ??= yield* io.openFile(this.#path, "write");
    const file = this.#file;
    if (file === undefined) return;
    // The connections know nothing of it and will write over it, maybe not over all: it must not be taken for theirs.
    if (this.#unrevoked !== undefined) yield* this.#takeBack(this.#unrevoked);
    const header = parseWalHeader(yield* io.readAt(file, 0, WAL_HEADER_SIZE));
    if (header === undefined) {
      this.#index = undefined;
      return;
    }
    if (header.pageSize !== PAGE_SIZE) {
      throw new SyncError(
        "damaged-file",
        `${this.#path} has pages of ${header.pageSize} bytes, a replica's have ${PAGE_SIZE}.`,
        { path: this.#path },
      );
    }
    const known = this.#index;
    const index =
      known !== undefined && sameSalts(known.header, header) && (yield* lastFrameStands(file, known))
        ? known
        : new FrameIndex(header);
    yield* readCommits(file, index);
    this.#index = index;
  }

  /**
   * Appends a commit behind `start`, which is the end of the log, and syncs it. Frames there that never were committed
   * are overwritten; nothing before is touched, since readers may stand on it. When it fails, what was appended is taken
   * back, at the latest before the log is read again.
   */
  *append(start: WalPosition, commit: LogCommit): Coroutine<AppendedCommit> {
    this.#file ??= (yield* io.openFile(this.#path, "create")) as FileHandle;
    const file = this.#file;
    this.#appended = undefined;
    try {
      const header = this.#index?.header ?? (yield* beginLog(file, start));
      const index = this.#index ?? new FrameIndex(header);
      const before = index.end;
      const checksum = new WalChecksum(header.bigEndianChecksums, before.checksum1, before.checksum2);
      const total = commit.images.reduce((sum, { pageNumbers }) => sum + pageNumbers.length, 0);
      const pageNumbers = new Uint32Array(total);
      let written = 0;
      for (const images of commit.images) {
        pageNumbers.set(images.pageNumbers, written);
        for (let from = 0; from < images.pageNumbers.length; from += FRAMES_PER_TRANSFER) {
          const numbers = images.pageNumbers.subarray(from, from + FRAMES_PER_TRANSFER);
          const bytes = yield* images.read(from, from + numbers.length);
          const last = written + numbers.length === total;
          const frames = formatFrames(numbers, bytes, commit, last, header, checksum);
          const offset = frameOffset(start.frames + written + 1);
          this.#appended ??= { offset, header: frames.slice(0, FRAME_HEADER_SIZE) };
          yield* io.writeAt(file, offset, frames);
          written += numbers.length;
        }
      }
      yield* io.syncFile(file);
      const { databaseSize } = commit;
      const after = {
        frames: before.frames + total,
        checksum1: checksum.first,
        checksum2: checksum.second,
      };
      const frames = { firstFrame: before.frames + 1, pageNumbers: Array.from(pageNumbers), databaseSize };
      index.add([frames], after);
      this.#index = index;
      return { header, before, after, pageNumbers, databaseSize };
    } catch (error) {
      yield* this.revoke();
      throw error;
    }
  }

  /** Takes back the commit that was appended last, which no connection has seen yet; tries again later if that fails. */
  *revoke(): Coroutine<void> {
    this.#unrevoked = this.#appended;
    // What it knows of the commit counts no more: all is read anew.
    this.#index = undefined;
    if (this.#unrevoked === undefined) return;
    try {
      yield* this.#takeBack(this.#unrevoked);
    } catch {
      // The first failure is the one to report. Should the process die now, who opens the file finds a whole commit.
    }
  }

  *sync(): Coroutine<void> {
    if (this.#file !== undefined) yield* io.syncFile(this.#file);
  }

  *close(): Coroutine<void> {
    if (this.#file !== undefined) yield* io.closeFile(this.#file);
    this.#file = undefined;
    this.#index = undefined;
  }

  /** Breaks the chain where the commit begins, durably: a recovery must not find what its writer has given up. */
  *#takeBack({ offset, header }: FirstFrame): Coroutine<void> {
    const file = this.#file as FileHandle;
    const now = yield* io.readAt(file, offset, FRAME_HEADER_SIZE);
    // Otherwise somebody has committed something else there.
    const isThere = now.length === header.length && now.every((byte, index) => byte === header[index]);
    if (isThere) yield* io.writeAt(file, offset, new Uint8Array(FRAME_HEADER_SIZE));
    yield* io.syncFile(file);
    this.#unrevoked = undefined;
  }
}

/** How an appended commit begins. */
interface FirstFrame {
  readonly offset: number;
  readonly header: Uint8Array;
}

function* beginLog(file: FileHandle, { salt1, salt2 }: WalPosition): Coroutine<WalHeader> {
  const bytes = formatWalHeader({
    bigEndianChecksums: HOST_BIG_ENDIAN,
    pageSize: PAGE_SIZE,
    sequence: 0,
    salt1,
    salt2,
  });
  yield* io.writeAt(file, 0, bytes);
  return parseWalHeader(bytes) as WalHeader;
}

/**
 * A commit that SQLite could not sync counts for nobody, and the next one overwrites it; so the last known frame may
 * change after it was read.
 */
function* lastFrameStands(file: FileHandle, index: FrameIndex): Coroutine<boolean> {
  const { end } = index;
  if (end.frames === 0) return true;
  return endsCommit(yield* io.readAt(file, frameOffset(end.frames), FRAME_HEADER_SIZE), end);
}

function* readCommits(file: FileHandle, index: FrameIndex): Coroutine<void> {
  const scanner = new WalScanner(index.header, index.end);
  const size = yield* io.fileSize(file);
  // A file may be much longer than its log: little is read before it is known that the log goes on.
  let most = 1;
  while (!scanner.ended && scanner.offset + FRAME_SIZE <= size) {
    const { offset } = scanner;
    const frames = Math.min(most, Math.floor((size - offset) / FRAME_SIZE));
    most = Math.min(most * 8, FRAMES_PER_TRANSFER);
    const bytes = yield* io.readAt(file, offset, frames * FRAME_SIZE);
    index.add(scanner.feed(bytes), scanner.committed);
    if (bytes.length < frames * FRAME_SIZE) return;
  }
}

function formatFrames(
  pageNumbers: Uint32Array,
  images: Uint8Array,
  { databaseSize, patchFirstPage }: LogCommit,
  isLast: boolean,
  header: WalHeader,
  checksum: WalChecksum,
): Uint8Array {
  const frames = new Uint8Array(pageNumbers.length * FRAME_SIZE);
  for (const [index, pageNumber] of pageNumbers.entries()) {
    const at = index * FRAME_SIZE;
    const image = images.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE);
    frames.set(pageNumber === 1 ? patchFirstPage(image) : image, at + FRAME_HEADER_SIZE);
    const last = isLast && index === pageNumbers.length - 1;
    sealFrame(frames, at, { pageNumber, databaseSize: last ? databaseSize : 0 }, header, checksum);
  }
  return frames;
}
