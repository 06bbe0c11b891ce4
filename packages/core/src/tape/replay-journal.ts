import type { TableShape } from "../capture/table-shape.js";
import type { Coroutine } from "../coroutine/coroutine.js";
import { io } from "../coroutine/io.js";
import { SyncError } from "../errors/sync-error.js";
import type { FileHandle } from "../ports/io-operations.js";
import type { PublishPlan } from "../ports/replica-pages.js";
import { crc32 } from "../values/crc32.js";
import type { SqlRow } from "../values/sql-value.js";
import { decodeUtf8, encodeUtf8 } from "../values/utf8.js";
import type { ReplaySource } from "./replay-source.js";
import { decodeRows, encodeRows } from "./row-codec.js";
import type { TapePosition } from "./tape-position.js";

/**
 * The replay journal, `<database>-replay`: everything needed to finish an apply whose publish has replaced L by S(R').
 * It exists only while an apply runs, and after a crash in one.
 *
 * A sequence of blocks, each `u32 length, u32 CRC-32 of the payload, payload` (little-endian): first the header as
 * JSON, then rows of the tape (row-codec.ts), last a block of length 0. Where the header has `streams`, the rows of the
 * stream tables follow (carry-streams.ts), and another block of length 0. Without the last block it counts as absent.
 */
export interface ReplayJournal extends TapeCopy {
  /** The synced revision once the apply is done. */
  readonly revision: string;
  readonly plan: PublishPlan;
  readonly witnesses: readonly number[];
  /** Whether the published pages are all of the database. */
  readonly full: boolean;
  /** How far the remote had this client's tape before; the published state must not know less. */
  readonly position: TapePosition | undefined;
  /** Absent: there are no tables of change streams. */
  readonly streams?: CarriedStreams;
}

/** What is to be known of the change streams of a replica beside the rows of their tables. */
export interface CarriedStreams {
  /** What was added to an id of the tape to give its cursor. */
  readonly base: number;
  /** Rows of the tape up to this id only repeat what had cursors before. */
  readonly repeatedUpTo: number;
  /** Cursor up to which nobody needs the changes any more. */
  readonly trimmedUpTo: number;
  /** How many values a row that was kept may have: those of a tape that was wider. Absent: no more than the tape's. */
  readonly keptValues?: number;
}

/** What a copy of a tape has to say beside its rows. */
export interface TapeCopy {
  readonly id: string;
  readonly clientId: string;
  /** Pull generation of the tape. */
  readonly pullGeneration: number;
  /** The newest change id that was given; `undefined`: it could not be read. */
  readonly lastChangeId: number | undefined;
  /** Columns of the tape table: how wide it has to be made again. */
  readonly tapeValues: number;
  /** The rows of `tributary_shape`. */
  readonly shapes: readonly (readonly [number, TableShape])[];
  /** That its inserts are changes is only guessed: they make way for what is there. */
  readonly yields?: boolean;
}

const BLOCK_HEADER = 8;

/** Writes a journal: header, rows as they are added, end. */
export class ReplayJournalWriter {
  readonly #file: FileHandle;
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Writes a journal with the rows that `fill` adds, and after them those of change streams that `fillStreams` adds.
   * Durable on return; the file is closed whatever happens.
   */
  static *write(
    path: string,
    journal: TapeCopy,
    fill: (writer: ReplayJournalWriter) => Coroutine<void>,
    fillStreams?: (writer: ReplayJournalWriter) => Coroutine<void>,
  ): Coroutine<void> {
    const file = (yield* io.openFile(path, "replace")) as FileHandle;
    try {
      const writer = new ReplayJournalWriter(file);
      yield* writer.#writeBlock(encodeUtf8(JSON.stringify(journal)));
      yield* fill(writer);
      yield* writer.#writeBlock(new Uint8Array(0));
      if (fillStreams !== undefined) {
        yield* fillStreams(writer);
        yield* writer.#writeBlock(new Uint8Array(0));
      }
      yield* io.syncFile(file);
    } finally {
      yield* io.closeFile(file);
    }
  }

  *add(rows: readonly SqlRow[]): Coroutine<void> {
    if (rows.length > 0) yield* this.#writeBlock(encodeRows(rows));
  }

  *#writeBlock(payload: Uint8Array): Coroutine<void> {
    const block = new Uint8Array(BLOCK_HEADER + payload.length);
    const view = new DataView(block.buffer);
    view.setUint32(0, payload.length, true);
    view.setUint32(4, crc32(payload), true);
    block.set(payload, BLOCK_HEADER);
    yield* io.writeAt(this.#file, this.#end, block);
    this.#end += block.length;
  }
}

/** Reads a journal block by block. */
export class ReplayJournalReader<T extends TapeCopy = ReplayJournal> implements ReplaySource<T> {
  readonly journal: T;
  readonly #file: FileHandle;
  readonly #firstRows: number;
  #at: number;
  #streamsAt: number;

  private constructor(file: FileHandle, journal: T, firstRows: number, streamsAt: number) {
    this.#file = file;
    this.journal = journal;
    this.#firstRows = firstRows;
    this.#at = firstRows;
    this.#streamsAt = streamsAt;
  }

  /**
   * `undefined` when there is no journal, or one that was not finished. Fails with `damaged-file` for one that was, but
   * not by this version of Tributary.
   *
   * @param partial Be content with the rows before the first that cannot be read.
   */
  static *open<T extends TapeCopy = ReplayJournal>(
    path: string,
    partial = false,
  ): Coroutine<ReplayJournalReader<T> | undefined> {
    const file = yield* io.openFile(path, "read");
    if (file === undefined) return undefined;
    let reader: ReplayJournalReader<T> | undefined;
    try {
      const header = yield* readBlock(file, 0);
      // A file that a crash left without its first bytes reads as zeros, which is an empty block: no header.
      if (header === undefined || header.length === 0) return undefined;
      const firstRows = BLOCK_HEADER + header.length;
      const endOfTape = yield* endOfRows(file, firstRows);
      if (endOfTape === undefined && !partial) return undefined;
      const journal = parseHeader<T>(header, path);
      const streamsAt = (endOfTape ?? firstRows) + BLOCK_HEADER;
      const isWhole = !("streams" in journal) || (yield* endOfRows(file, streamsAt)) !== undefined;
      if (!isWhole && !partial) return undefined;
      reader = new ReplayJournalReader<T>(file, journal, firstRows, streamsAt);
      return reader;
    } finally {
      if (reader === undefined) yield* io.closeFile(file);
    }
  }

  *nextRows(): Coroutine<readonly SqlRow[]> {
    const block = yield* readBlock(this.#file, this.#at);
    if (block === undefined || block.length === 0) return [];
    this.#at += BLOCK_HEADER + block.length;
    return decodeRows(block);
  }

  /** Only for a whole journal whose header has `streams`. */
  *nextStreamRows(): Coroutine<readonly SqlRow[]> {
    const block = yield* readBlock(this.#file, this.#streamsAt);
    if (block === undefined || block.length === 0) return [];
    this.#streamsAt += BLOCK_HEADER + block.length;
    return decodeRows(block);
  }

  rewind(): void {
    this.#at = this.#firstRows;
  }

  *close(): Coroutine<void> {
    yield* io.closeFile(this.#file);
  }
}

/** Where the block of length 0 is that ends the rows which begin at `at`; `undefined` where one before it is damaged. */
function* endOfRows(file: FileHandle, at: number): Coroutine<number | undefined> {
  for (;;) {
    const block = yield* readBlock(file, at);
    if (block === undefined) return undefined;
    if (block.length === 0) return at;
    at += BLOCK_HEADER + block.length;
  }
}

/** A block whose checksum holds, else `undefined`. Its length is checked against the file before it is read. */
function* readBlock(file: FileHandle, at: number): Coroutine<Uint8Array | undefined> {
  const header = yield* io.readAt(file, at, BLOCK_HEADER);
  if (header.length < BLOCK_HEADER) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const length = view.getUint32(0, true);
  if (at + BLOCK_HEADER + length > (yield* io.fileSize(file))) return undefined;
  const payload = yield* io.readAt(file, at + BLOCK_HEADER, length);
  return crc32(payload) === view.getUint32(4, true) ? payload : undefined;
}

function parseHeader<T>(bytes: Uint8Array, path: string): T {
  let header: unknown;
  try {
    header = JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    throw damaged(path, cause);
  }
  // What is in it is taken as it was written: the checksum holds.
  if (typeof header !== "object" || header === null || Array.isArray(header)) throw damaged(path);
  return header as T;
}

function damaged(path: string, cause?: unknown): SyncError {
  return new SyncError(
    "damaged-file",
    `${path} is not a replay journal of this version of Tributary. It may hold the only copy of local changes: keep all files of the replica.`,
    { path, cause },
  );
}
