import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { PAGE_SIZE, parseDatabaseHeader } from "@tributary/core";
import Database from "better-sqlite3";
import { FrameLog } from "./frame-log.js";
import { writeLibsqlInfo } from "./libsql-info.js";
import { inWalMode, Mirror } from "./mirror.js";
import { deleteMirror, type MirrorFiles, replaceFile, writeFully } from "./mirror-files.js";
import { type BasePage, formatMirrorState } from "./mirror-state.js";

/**
 * Makes a mirror of the image that was downloaded to `files.download`, in the place of any other. The image has been
 * checked by {@link problemOfImage}. `-info` is written last: a crash before it leaves no mirror.
 */
export async function createMirror(files: MirrorFiles, generation: number): Promise<Mirror> {
  if (statSync(files.download).size === 0) makeEmptyDatabase(files.download);
  const pages = await preparePages(files.download);
  const history = randomBytes(16).toString("hex");
  renameSync(files.download, files.database);
  const log = FrameLog.create(files.log);
  const state = { history, generation, pages };
  replaceFile(files.state, formatMirrorState(state));
  writeLibsqlInfo(files.info, { generation, durableFrame: 0 });
  return new Mirror({ files, state, log });
}

/** The file that an image is downloaded to, part by part. What was a mirror before is deleted. */
export class ImageDownload {
  readonly #path: string;
  readonly #file: number;
  /** Bytes so far. */
  length = 0;

  constructor(files: MirrorFiles) {
    deleteMirror(files);
    this.#path = files.download;
    this.#file = openSync(this.#path, "w");
  }

  /** Forgets what has come so far: it comes once more. */
  restart(): void {
    ftruncateSync(this.#file, 0);
    this.length = 0;
  }

  write(part: Uint8Array): void {
    writeFully(this.#file, part, this.length);
    this.length += part.length;
  }

  /** What is wrong with the whole of it; undefined: nothing. */
  problem(): string | undefined {
    return problemOfImage(this.#path, this.length);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Why an image cannot be a mirror. An empty one is an empty database. */
function problemOfImage(path: string, length: number): string | undefined {
  if (length === 0) return undefined;
  if (length % PAGE_SIZE !== 0) return `has ${length} bytes, which are not whole pages of ${PAGE_SIZE}`;
  const file = openSync(path, "r");
  try {
    const first = new Uint8Array(PAGE_SIZE);
    readSync(file, first, 0, PAGE_SIZE, 0);
    const header = parseDatabaseHeader(first);
    if (header === undefined) return "does not begin as a SQLite database";
    if (header.pageSize !== PAGE_SIZE) return `has pages of ${header.pageSize} bytes, not of ${PAGE_SIZE}`;
    const count = length / PAGE_SIZE;
    return (header.databaseSize ?? count) > count
      ? `says that it has ${header.databaseSize} pages, and has ${count}`
      : undefined;
  } finally {
    closeSync(file);
  }
}

/** The first page of a database without anything in it. Without one, SQLite would take the log for left over, and delete it. */
function makeEmptyDatabase(path: string): void {
  const db = new Database(path);
  try {
    db.pragma(`page_size = ${PAGE_SIZE}`);
    db.pragma("journal_mode = WAL");
  } finally {
    db.close();
  }
}

/** Puts the database in WAL mode, makes it durable, and gives the checksums of its pages. */
async function preparePages(path: string): Promise<BasePage[]> {
  const file = await open(path, "r+");
  try {
    const chunk = Buffer.alloc(256 * PAGE_SIZE);
    await file.read(chunk, 0, PAGE_SIZE, 0);
    await file.write(inWalMode(chunk.subarray(0, PAGE_SIZE)), 0, PAGE_SIZE, 0);
    const pages: BasePage[] = [];
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, pages.length * PAGE_SIZE);
      if (bytesRead === 0) break;
      for (let at = 0; at < bytesRead; at += PAGE_SIZE) {
        const checksum = crc32(chunk.subarray(at, at + PAGE_SIZE));
        pages.push({ checksum, generation: 0, frame: 0 });
      }
    }
    await file.sync();
    return pages;
  } finally {
    await file.close();
  }
}
