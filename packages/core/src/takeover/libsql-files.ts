import type { FileHandle } from "../ports/io-operations.js";
import type { DatabaseImage } from "../row-diff/database-image.js";
import { ImageDamage } from "../row-diff/image-difference.js";
import { DATABASE_HEADER_SIZE, parseDatabaseHeader } from "../sqlite-format/database-header.js";
import { FRAME_HEADER_SIZE, frameOffset } from "../sqlite-format/wal-frame.js";
import { parseWalHeader, WAL_HEADER_SIZE } from "../sqlite-format/wal-header.js";
import { type WalCommit, WalScanner } from "../sqlite-format/wal-scanner.js";
import { PAGE_SIZE } from "../values/page.js";

/** Files that are read at once, since comparing pages cannot wait: the methods of `IoOperations`, none of them a promise. */
export interface FileReader {
  openFile(path: string, mode: "read"): FileHandle | undefined;
  readAt(file: FileHandle, offset: number, length: number): Uint8Array;
  fileSize(file: FileHandle): number;
  closeFile(file: FileHandle): void;
}

const BYTES_PER_READ = 1024 * 1024;

/**
 * The database file and the write-ahead log of a libSQL replica that nobody has open. The client never checkpoints within a
 * generation of the remote's log, so the log has every state since its start: each is the file and the frames up to a commit.
 * Frames behind the last commit, and those whose checksum does not hold, do not count, as for SQLite.
 */
export class LibsqlFiles {
  readonly #files: FileReader;
  readonly #database: FileHandle | undefined;
  readonly #log: FileHandle | undefined;
  readonly #commits: readonly WalCommit[];

  /** Reads all of the log, a piece at a time. Throws `ImageDamage` where pages have another size than 4096 bytes. */
  constructor(files: FileReader, path: string) {
    this.#files = files;
    this.#database = files.openFile(path, "read");
    this.#log = files.openFile(`${path}-wal`, "read");
    try {
      this.#commits = this.#scan();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Frames up to the end of the last commit. */
  get frames(): number {
    return lastFrame(this.#commits.at(-1));
  }

  /** The state after the last commit that ends at a frame or before it; `undefined` while the database has no page. */
  imageAt(frame: number): DatabaseImage | undefined {
    const commits = this.#commits.filter((commit) => lastFrame(commit) <= frame);
    const frameOf = new Map<number, number>();
    for (const { firstFrame, pageNumbers } of commits)
      pageNumbers.forEach((page, index) => {
        frameOf.set(page, firstFrame + index);
      });
    const size = commits.at(-1)?.databaseSize ?? this.#fileSize();
    if (size === 0) return undefined;
    return { size, readPage: (page) => this.#readPage(page, frameOf.get(page)) };
  }

  /** Pages that have frames behind the last commit that ends at a frame or before it. */
  changedSince(frame: number): ReadonlySet<number> {
    const later = this.#commits.filter((commit) => lastFrame(commit) > frame);
    return new Set(later.flatMap(({ pageNumbers }) => pageNumbers));
  }

  close(): void {
    for (const file of [this.#database, this.#log]) if (file !== undefined) this.#files.closeFile(file);
  }

  #scan(): WalCommit[] {
    const log = this.#log;
    if (log === undefined) return [];
    const header = parseWalHeader(this.#files.readAt(log, 0, WAL_HEADER_SIZE));
    if (header === undefined) return [];
    if (header.pageSize !== PAGE_SIZE) throw new ImageDamage(`pages of ${header.pageSize} bytes`);
    const scanner = new WalScanner(header);
    const commits: WalCommit[] = [];
    while (!scanner.ended) {
      const bytes = this.#files.readAt(log, scanner.offset, BYTES_PER_READ);
      if (bytes.length === 0) break;
      commits.push(...scanner.feed(bytes));
    }
    return commits;
  }

  /** In pages. */
  #fileSize(): number {
    const file = this.#database;
    if (file === undefined) return 0;
    const bytes = this.#files.fileSize(file);
    if (bytes === 0) return 0;
    const header = parseDatabaseHeader(this.#files.readAt(file, 0, DATABASE_HEADER_SIZE));
    if (header?.pageSize !== PAGE_SIZE) throw new ImageDamage("not a database with pages of 4096 bytes");
    return header.databaseSize ?? Math.floor(bytes / PAGE_SIZE);
  }

  #readPage(page: number, frame: number | undefined): Uint8Array {
    const file = frame === undefined ? this.#database : this.#log;
    const offset = frame === undefined ? (page - 1) * PAGE_SIZE : frameOffset(frame) + FRAME_HEADER_SIZE;
    const bytes = file === undefined ? undefined : this.#files.readAt(file, offset, PAGE_SIZE);
    if (bytes?.length !== PAGE_SIZE) throw new ImageDamage(`page ${page} is missing`);
    return bytes;
  }
}

function lastFrame(commit: WalCommit | undefined): number {
  return commit === undefined ? 0 : commit.firstFrame + commit.pageNumbers.length - 1;
}
