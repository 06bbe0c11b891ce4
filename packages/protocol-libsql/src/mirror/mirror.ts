import { closeSync, fsyncSync, ftruncateSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import { PAGE_SIZE } from "@tributary/core";
import { FrameLog } from "./frame-log.js";
import { writeLibsqlInfo } from "./libsql-info.js";
import { deleteMirror, type MirrorFiles, replaceFile, writeFully } from "./mirror-files.js";
import { formatMirrorRevision, type MirrorRevision } from "./mirror-revision.js";
import { type BasePage, formatMirrorState, type MirrorState } from "./mirror-state.js";

/** What a mirror is made of. */
export interface MirrorParts {
  readonly files: MirrorFiles;
  readonly state: MirrorState;
  readonly log: FrameLog;
}

/** Some pages as of a frame: where each of them is. */
export interface MirrorView {
  readonly generation: number;
  /** By page number, the frame that has it; the others are in the database file. */
  readonly frames: ReadonlyMap<number, number>;
}

/**
 * A copy of the remote's pages: the database as it was when a generation began, and the frames since. It is a file of SQLite
 * with its log, so SQL runs on it as it is; what SQLite then adds to the log are the frames to send.
 *
 *     database file ──── frame 1 ──── … ──── committed ──── … ──── end
 *     never changes in    the remote has     a tail: being pulled, or
 *     a generation        these              written here and not sent
 *
 * It knows no network, and nothing of who may use it when.
 */
export class Mirror {
  readonly files: MirrorFiles;
  readonly history: string;
  #generation: number;
  #pages: readonly BasePage[];
  #log: FrameLog;
  #database: number;

  constructor({ files, state, log }: MirrorParts) {
    this.files = files;
    this.history = state.history;
    this.#generation = state.generation;
    this.#pages = state.pages;
    this.#log = log;
    this.#database = openSync(files.database, "r+");
  }

  get generation(): number {
    return this.#generation;
  }

  get log(): FrameLog {
    return this.#log;
  }

  /** The state up to the last frame that the remote has. */
  get at(): MirrorRevision {
    return { history: this.history, generation: this.#generation, frame: this.#log.committed };
  }

  /** Names the state as of a frame. */
  revisionAt(frame: number): string {
    return formatMirrorRevision({ ...this.at, frame });
  }

  /** Whether it can show that state: one of this generation, between two transactions. */
  has({ history, generation, frame }: MirrorRevision): boolean {
    if (history !== this.history || generation !== this.#generation) return false;
    return frame === 0 || (frame <= this.#log.committed && this.#log.sizeAt(frame) > 0);
  }

  /** Pages of the database as of a frame. */
  sizeAt(frame: number): number {
    return frame === 0 ? this.#pages.length : this.#log.sizeAt(frame);
  }

  /** Pages of the database as the remote has it. */
  get sizeNow(): number {
    return this.sizeAt(this.#log.committed);
  }

  /** Where the pages are as of a frame. */
  viewAt(frame: number): MirrorView {
    return { generation: this.#generation, frames: this.#log.latest(0, frame) };
  }

  /**
   * Ids, ascending, of the pages as of a frame that are not as they were at an earlier state: all of them if nothing is known
   * of that.
   */
  changedSince(since: MirrorRevision | undefined, frame: number): number[] {
    const ids: number[] = [];
    const isKnown = since !== undefined && this.#follows(since, frame);
    const isSame = isKnown && since.generation === this.#generation;
    const frames = this.#log.latest(isSame ? since.frame : 0, frame);
    // Pages that SQLite made and freed in one transaction are nowhere: they count as zeros.
    const from = isSame ? this.sizeAt(since.frame) : this.#pages.length;
    for (let id = 0; id < this.sizeAt(frame); id++) {
      const isOlder = isKnown && (isSame || !isLater(this.#pages[id], since));
      if (!isOlder || id >= from || frames.has(id + 1)) ids.push(id);
    }
    return ids;
  }

  /** Reads pages, back to back. The view must be of the present generation. */
  readPages({ frames }: MirrorView, pageIds: readonly number[]): Uint8Array {
    const bytes = new Uint8Array(pageIds.length * PAGE_SIZE);
    for (let from = 0; from < pageIds.length; ) {
      const frame = frames.get((pageIds[from] as number) + 1);
      let to = from + 1;
      if (frame !== undefined) this.#log.readPage(frame, bytes, from * PAGE_SIZE);
      else {
        // Neighbours in the database file are read together.
        const isNext = (at: number): boolean =>
          pageIds[at] === (pageIds[at - 1] as number) + 1 && !frames.has((pageIds[at] as number) + 1);
        while (to < pageIds.length && isNext(to)) to++;
        const length = (to - from) * PAGE_SIZE;
        readSync(this.#database, bytes, from * PAGE_SIZE, length, (pageIds[from] as number) * PAGE_SIZE);
      }
      from = to;
    }
    return bytes;
  }

  /** Makes the tail, up to the last end of a transaction in it, a part of what the remote has. Durable. */
  commit(): void {
    if (!this.#log.commit()) return;
    writeLibsqlInfo(this.files.info, { generation: this.#generation, durableFrame: this.#log.committed });
  }

  /**
   * Begins the next generation: what the frames hold is written into the database file, and the log begins anew. Views are
   * of no use any more. A crash in the middle leaves files that contradict each other, and so no mirror: either pages are not
   * what `-state` says, or that is of another generation than `-info`. Where the host fails, it can be done again.
   */
  fold(): void {
    const { committed } = this.#log;
    const size = this.sizeAt(committed);
    const frames = this.#log.latest(0, committed);
    const pages = this.#pages.slice(0, size);
    const tag = { generation: this.#generation, frame: committed };
    const page = new Uint8Array(PAGE_SIZE);
    for (let id = pages.length; id < size; id++) pages.push({ checksum: ZEROS, ...tag });
    for (const [pageNumber, frame] of frames) {
      if (pageNumber > size) continue;
      this.#log.readPage(frame, page, 0);
      const stored = pageNumber === 1 ? inWalMode(page) : page;
      writeFully(this.#database, stored, (pageNumber - 1) * PAGE_SIZE);
      pages[pageNumber - 1] = { checksum: crc32(stored), ...tag, frame };
    }
    ftruncateSync(this.#database, size * PAGE_SIZE);
    fsyncSync(this.#database);
    const generation = this.#generation + 1;
    replaceFile(this.files.state, formatMirrorState({ history: this.history, generation, pages }));
    writeLibsqlInfo(this.files.info, { generation, durableFrame: 0 });
    const before = this.#log;
    this.#log = FrameLog.create(this.files.log, before.header);
    before.close();
    this.#pages = pages;
    this.#generation = generation;
  }

  /** Lets go of the files. */
  close(): void {
    this.#log.close();
    closeSync(this.#database);
  }

  /** Closes it and deletes its files. */
  discard(): void {
    this.close();
    deleteMirror(this.files);
  }

  #follows({ history, generation, frame }: MirrorRevision, upTo: number): boolean {
    if (history !== this.history || generation > this.#generation) return false;
    if (generation < this.#generation) return true;
    return frame <= upTo && (frame === 0 || this.#log.sizeAt(frame) > 0);
  }
}

const ZEROS = crc32(new Uint8Array(PAGE_SIZE));
const FORMAT_VERSIONS = 18;
const WAL_VERSION = 2;

/** Page 1 as the database file must have it, or SQLite would not look at the log: in WAL mode. */
export function inWalMode(page: Uint8Array): Uint8Array {
  const stored = Uint8Array.from(page);
  stored.fill(WAL_VERSION, FORMAT_VERSIONS, FORMAT_VERSIONS + 2);
  return stored;
}

function isLater(page: BasePage | undefined, since: MirrorRevision): boolean {
  if (page === undefined) return true;
  return (
    page.generation > since.generation || (page.generation === since.generation && page.frame > since.frame)
  );
}
