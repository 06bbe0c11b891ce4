import { closeSync, openSync, readSync } from "node:fs";
import {
  endsCommit,
  FRAME_HEADER_SIZE,
  FRAME_SIZE,
  FrameIndex,
  frameOffset,
  PAGE_SIZE,
  parseWalHeader,
  sameSalts,
  WAL_HEADER_SIZE,
  type WalCommit,
  type WalHeader,
  WalScanner,
} from "@tributary/core";

/**
 * What a scan found out about the log as a whole.
 * - `continued`: what was known still stands, commits may have been added;
 * - `restarted`: the log begins anew, and was read from its beginning;
 * - `rewritten`: frames that counted as committed are gone, which no healthy writer does.
 */
export type ScanOutcome = "continued" | "restarted" | "rewritten";

/** Called once per commit, with the database's size in pages after it and the pages it wrote (one-based, may repeat). */
export type OnCommit = (databaseSize: number, pageNumbers: readonly number[]) => void;

const FRAMES_PER_READ = 64;

/** What was read ahead of the next scan. */
interface Ahead {
  /** How many frames were known where it began. */
  readonly from: number;
  readonly scanner: WalScanner;
  readonly commits: WalCommit[];
}

/**
 * Follows a `-wal` file, incrementally: each scan reads what was added since the one before. Knows frames and commits,
 * nothing of revisions. The descriptor may be opened and closed freely: SQLite keeps no locks on this file.
 */
export class WalTracker {
  readonly #descriptor: number;
  readonly #countCommitted: () => number | undefined;
  readonly #buffer: Uint8Array = new Uint8Array(FRAMES_PER_READ * FRAME_SIZE);
  readonly #small: Uint8Array = new Uint8Array(WAL_HEADER_SIZE);
  #generation: FrameIndex | undefined;
  /** What a scan found out that could not be finished: still to be told. */
  #outcome: ScanOutcome = "continued";
  #ahead: Ahead | undefined;

  /**
   * `countCommitted` asks SQLite how many frames are committed. What lies behind these may look as if it were, and still be
   * overwritten: its writer has not told SQLite yet, or died before it could. Undefined if it cannot be told now.
   */
  constructor(path: string, countCommitted: () => number | undefined) {
    this.#descriptor = openSync(path, "r");
    this.#countCommitted = countCommitted;
  }

  /** The frames since the last restart; undefined while the file is empty. */
  get generation(): FrameIndex | undefined {
    return this.#generation;
  }

  /** Whether a scan could find anything. */
  get hasNews(): boolean {
    if (this.#outcome !== "continued") return true;
    if (!sameGeneration(this.#readHeader(), this.#generation?.header)) return true;
    const { lastStands, hasMore } = this.#lookAtEnd();
    return !lastStands || hasMore;
  }

  /** Reads new commits. Where SQLite cannot say what is committed they are left to a later call. */
  scan(onCommit: OnCommit): ScanOutcome {
    const header = this.#readHeader();
    if (!sameGeneration(header, this.#generation?.header)) {
      if (this.#generation !== undefined && this.#outcome === "continued") this.#outcome = "restarted";
      this.#begin(header);
    }
    let { lastStands, hasMore } = this.#lookAtEnd();
    if (!lastStands) {
      this.#outcome = "rewritten";
      this.#begin(header);
      hasMore = this.#lookAtEnd().hasMore;
    }
    if (this.#generation !== undefined && hasMore) {
      // In this order: SQLite forgets the count before it writes the header of a log that starts over.
      const committed = this.#countCommitted();
      if (!sameGeneration(this.#readHeader(), header)) return this.scan(onCommit);
      if (committed !== undefined) this.#readCommits(this.#generation, committed, onCommit);
    }
    const outcome = this.#outcome;
    this.#outcome = "continued";
    return outcome;
  }

  /**
   * Reads at most that many frames which the next scan would read, and tells nobody of them. True if it is worth being called
   * again before the scan.
   */
  readAhead(maxFrames: number): boolean {
    // One read tells most callers that there is little. A log that has started over counts as much from the end of the old one.
    const known = this.#generation?.end.frames ?? 0;
    const length = readSync(
      this.#descriptor,
      this.#buffer,
      0,
      FRAME_HEADER_SIZE,
      frameOffset(known + maxFrames + 1),
    );
    if (length < FRAME_HEADER_SIZE) return false;
    const header = this.#readHeader();
    // A log that has started over leaves frames of the old one behind it, for as long as it is the shorter one.
    if (header === undefined || !isOfLog(this.#buffer.subarray(0, length), header)) return false;
    const committed = this.#countCommitted();
    if (committed === undefined || !sameGeneration(this.#readHeader(), header)) return false;
    const { scanner, commits } = this.#aheadIn(header);
    if (scanner.ended || committed - scanner.frames <= maxFrames) return false;
    for (let left = maxFrames; left > 0 && !scanner.ended; left -= FRAMES_PER_READ) {
      const wanted = Math.min(left, FRAMES_PER_READ) * FRAME_SIZE;
      const length = readSync(this.#descriptor, this.#buffer, 0, wanted, scanner.offset);
      commits.push(...scanner.feed(this.#buffer.subarray(0, length)));
      if (length < wanted) return false;
    }
    return !scanner.ended;
  }

  #aheadIn(header: WalHeader): Ahead {
    if (this.#ahead !== undefined && sameSalts(this.#ahead.scanner.header, header)) return this.#ahead;
    const isKnown = this.#generation !== undefined && sameSalts(this.#generation.header, header);
    const scanner = new WalScanner(header, isKnown ? this.#generation?.end : undefined);
    this.#ahead = { from: scanner.frames, scanner, commits: [] };
    return this.#ahead;
  }

  /** Whether the file still belongs to this generation, as of now. */
  stillHolds(generation: FrameIndex): boolean {
    return sameGeneration(this.#readHeader(), generation.header);
  }

  /** The running checksum behind the last commit, as 16 hexadecimal digits. */
  get check(): string {
    const { checksum1, checksum2 } = this.#generation?.end ?? { checksum1: 0, checksum2: 0 };
    return hexOf(checksum1) + hexOf(checksum2);
  }

  /** The same behind any frame; undefined if the file ends before it. */
  checkAt(frame: number): string | undefined {
    const length = readSync(this.#descriptor, this.#small, 0, FRAME_HEADER_SIZE, frameOffset(frame));
    return length < FRAME_HEADER_SIZE ? undefined : Buffer.from(this.#small.subarray(16, 24)).toString("hex");
  }

  /** Reads the page of a frame into `target` at `offset`. False if the file ends before it. */
  readPage(frame: number, target: Uint8Array, offset: number): boolean {
    const position = frameOffset(frame) + FRAME_HEADER_SIZE;
    return readSync(this.#descriptor, target, offset, PAGE_SIZE, position) === PAGE_SIZE;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #begin(header: WalHeader | undefined): void {
    this.#generation = header === undefined ? undefined : new FrameIndex(header);
  }

  #readHeader(): WalHeader | undefined {
    const length = readSync(this.#descriptor, this.#small, 0, WAL_HEADER_SIZE, 0);
    const header = parseWalHeader(this.#small.subarray(0, length));
    return header?.pageSize === PAGE_SIZE ? header : undefined;
  }

  /**
   * Whether the last frame that is known is still there, and whether one of the same log follows it: both from one read, as
   * most pulls find nothing and cost little else.
   */
  #lookAtEnd(): { lastStands: boolean; hasMore: boolean } {
    if (this.#generation === undefined) return { lastStands: true, hasMore: false };
    const { header, end } = this.#generation;
    const hasLast = end.frames > 0;
    const start = hasLast ? frameOffset(end.frames) : frameOffset(1);
    const nextAt = hasLast ? FRAME_SIZE : 0;
    const wanted = nextAt + FRAME_HEADER_SIZE;
    const read = this.#buffer.subarray(0, readSync(this.#descriptor, this.#buffer, 0, wanted, start));
    return {
      lastStands: !hasLast || endsCommit(read.subarray(0, FRAME_HEADER_SIZE), end),
      hasMore: isOfLog(read.subarray(nextAt), header),
    };
  }

  #readCommits(generation: FrameIndex, committed: number, onCommit: OnCommit): void {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const isOfUse =
      ahead !== undefined &&
      !ahead.scanner.ended &&
      ahead.from === generation.end.frames &&
      sameSalts(ahead.scanner.header, generation.header);
    const scanner = isOfUse ? ahead.scanner : new WalScanner(generation.header, generation.end);
    if (isOfUse) {
      generation.add(ahead.commits, scanner.committed);
      for (const { databaseSize, pageNumbers } of ahead.commits) onCommit(databaseSize, pageNumbers);
    }
    while (scanner.frames < committed && !scanner.ended) {
      const wanted = Math.min(FRAMES_PER_READ, committed - scanner.frames) * FRAME_SIZE;
      const length = readSync(this.#descriptor, this.#buffer, 0, wanted, scanner.offset);
      const commits = scanner.feed(this.#buffer.subarray(0, length));
      generation.add(commits, scanner.committed);
      for (const { databaseSize, pageNumbers } of commits) onCommit(databaseSize, pageNumbers);
      if (length < wanted) return;
    }
  }
}

/** Whether a frame that begins with these bytes belongs to the log; false if they are too few. */
function isOfLog(frame: Uint8Array, { salt1, salt2 }: WalHeader): boolean {
  if (frame.length < FRAME_HEADER_SIZE) return false;
  const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_SIZE);
  return view.getUint32(8) === salt1 && view.getUint32(12) === salt2;
}

function hexOf(word: number): string {
  return word.toString(16).padStart(8, "0");
}

function sameGeneration(left: WalHeader | undefined, right: WalHeader | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return sameSalts(left, right);
}
