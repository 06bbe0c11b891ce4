import { closeSync, openSync, readSync } from "node:fs";
import { PAGE_SIZE } from "@tributary/core";
import {
  FRAME_HEADER_SIZE,
  parseWalHeader,
  WAL_HEADER_SIZE,
  WalChecksum,
  type WalHeader,
} from "./wal-format.js";
import { FRAME_SIZE, frameOffset, WalGeneration } from "./wal-generation.js";

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

/**
 * Follows a `-wal` file, incrementally: each scan reads what was added since the one before. Knows frames and commits,
 * nothing of revisions. The descriptor may be opened and closed freely: SQLite keeps no locks on this file.
 */
export class WalTracker {
  readonly #descriptor: number;
  readonly #buffer: Uint8Array = new Uint8Array(FRAMES_PER_READ * FRAME_SIZE);
  readonly #small: Uint8Array = new Uint8Array(WAL_HEADER_SIZE);
  #generation: WalGeneration | undefined;
  /** Running checksum after the last committed frame. */
  #checksum = new WalChecksum(false);

  constructor(path: string) {
    this.#descriptor = openSync(path, "r");
  }

  /** The frames since the last restart; undefined while the file is empty. */
  get generation(): WalGeneration | undefined {
    return this.#generation;
  }

  /** Reads new commits. */
  scan(onCommit: OnCommit): ScanOutcome {
    const header = this.#readHeader();
    let outcome: ScanOutcome = "continued";
    if (!sameGeneration(header, this.#generation?.header)) {
      outcome = this.#generation === undefined ? "continued" : "restarted";
      this.#begin(header);
    } else if (this.#generation !== undefined && !this.#lastFrameStands(this.#generation)) {
      outcome = "rewritten";
      this.#begin(header);
    }
    if (this.#generation !== undefined) this.#readCommits(this.#generation, onCommit);
    return outcome;
  }

  /** Whether the file still belongs to this generation, as of now. */
  stillHolds(generation: WalGeneration): boolean {
    return sameGeneration(this.#readHeader(), generation.header);
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
    this.#generation = header === undefined ? undefined : new WalGeneration(header);
    this.#checksum = new WalChecksum(
      header?.bigEndianChecksums ?? false,
      header?.checksum1 ?? 0,
      header?.checksum2 ?? 0,
    );
  }

  #readHeader(): WalHeader | undefined {
    const length = readSync(this.#descriptor, this.#small, 0, WAL_HEADER_SIZE, 0);
    const header = parseWalHeader(this.#small.subarray(0, length));
    return header?.pageSize === PAGE_SIZE ? header : undefined;
  }

  #lastFrameStands(generation: WalGeneration): boolean {
    if (generation.frameCount === 0) return true;
    const position = frameOffset(generation.frameCount);
    if (readSync(this.#descriptor, this.#small, 0, FRAME_HEADER_SIZE, position) < FRAME_HEADER_SIZE)
      return false;
    const view = new DataView(this.#small.buffer);
    return view.getUint32(16) === this.#checksum.first && view.getUint32(20) === this.#checksum.second;
  }

  #readCommits(generation: WalGeneration, onCommit: OnCommit): void {
    const { salt1, salt2, bigEndianChecksums } = generation.header;
    const running = new WalChecksum(bigEndianChecksums, this.#checksum.first, this.#checksum.second);
    const view = new DataView(this.#buffer.buffer);
    let pending: number[] = [];
    let nextFrame = generation.frameCount + 1;
    for (;;) {
      const length = readSync(this.#descriptor, this.#buffer, 0, this.#buffer.length, frameOffset(nextFrame));
      const frames = Math.floor(length / FRAME_SIZE);
      for (let index = 0; index < frames; index++) {
        const at = index * FRAME_SIZE;
        // Frames that a transaction spilled before its commit are followed by nothing valid: they are read again then.
        if (view.getUint32(at + 8) !== salt1 || view.getUint32(at + 12) !== salt2) return;
        running.update(this.#buffer, at, 8);
        running.update(this.#buffer, at + FRAME_HEADER_SIZE, PAGE_SIZE);
        if (view.getUint32(at + 16) !== running.first || view.getUint32(at + 20) !== running.second) return;
        const pageNumber = view.getUint32(at);
        if (pageNumber === 0) return;
        pending.push(pageNumber);
        const databaseSize = view.getUint32(at + 4);
        if (databaseSize === 0) continue;
        for (const page of pending) generation.append(page);
        this.#checksum = new WalChecksum(bigEndianChecksums, running.first, running.second);
        onCommit(databaseSize, pending);
        pending = [];
      }
      if (frames < FRAMES_PER_READ) return;
      nextFrame += frames;
    }
  }
}

function sameGeneration(left: WalHeader | undefined, right: WalHeader | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.salt1 === right.salt1 && left.salt2 === right.salt2;
}
