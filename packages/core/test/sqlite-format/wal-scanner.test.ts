import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, test } from "vitest";
import { FRAME_HEADER_SIZE, FRAME_SIZE, frameOffset } from "../../src/sqlite-format/wal-frame.js";
import { parseWalHeader, WAL_HEADER_SIZE, type WalHeader } from "../../src/sqlite-format/wal-header.js";
import { endsCommit, startOfLog, type WalCommit, WalScanner } from "../../src/sqlite-format/wal-scanner.js";
import { tempDirectory } from "../pages/support/temp-directory.js";

/** A log that SQLite wrote: three commits, and frames of a transaction that was rolled back. */
function realLog(pageSize = 4096): { bytes: Uint8Array; header: WalHeader; frames: number; size: number } {
  const path = join(tempDirectory(), "database.db");
  const db = new Database(path);
  try {
    db.pragma(`page_size = ${pageSize}`);
    db.pragma("journal_mode = wal");
    db.pragma("wal_autocheckpoint = 0");
    db.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    db.exec(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT hex(i) FROM n",
    );
    const frames = (statSync(`${path}-wal`).size - WAL_HEADER_SIZE) / (pageSize + FRAME_HEADER_SIZE);
    const size = Number(db.pragma("page_count", { simple: true }));
    db.pragma("cache_size = 3");
    db.exec("BEGIN; UPDATE t SET x = x || 'never'");
    const bytes = new Uint8Array(readFileSync(`${path}-wal`));
    db.exec("ROLLBACK");
    return { bytes, header: parseWalHeader(bytes) as WalHeader, frames, size };
  } finally {
    db.close();
  }
}

describe("WalScanner", () => {
  it.each([512, 4096, 65_536])("finds the commits of a real log with pages of %i bytes", (pageSize) => {
    const { bytes, header, frames, size } = realLog(pageSize);
    expect(header.pageSize).toBe(pageSize);
    const scanner = new WalScanner(header);
    const commits = scanner.feed(bytes.subarray(WAL_HEADER_SIZE));
    expect(scanner.committed.frames).toBe(frames);
    // Not all of the rest: a page spilled twice is overwritten in its frame, and the checksums wait for the commit.
    if (pageSize === 4096) expect(scanner.frames).toBeGreaterThan(frames);
    expect(commits.at(-1)?.databaseSize).toBe(size);
    expect(commits.map((commit) => commit.firstFrame)[0]).toBe(1);
    expect(commits.reduce((sum, { pageNumbers }) => sum + pageNumbers.length, 0)).toBe(frames);
  });

  it.each([1, 7, 24, 4119, 4120, 4121, 10_000])("finds the same in pieces of %i bytes", (pieceSize) => {
    const { bytes, header } = realLog();
    const whole = new WalScanner(header);
    const expected = whole.feed(bytes.subarray(WAL_HEADER_SIZE));
    const pieces = new WalScanner(header);
    const commits: WalCommit[] = [];
    for (let at = WAL_HEADER_SIZE; at < bytes.length; at += pieceSize) {
      if (!pieces.ended) expect(pieces.offset).toBe(at);
      commits.push(...pieces.feed(bytes.subarray(at, at + pieceSize)));
    }
    expect(commits).toEqual(expected);
    expect(pieces.committed).toEqual(whole.committed);
    expect(pieces.frames).toBe(whole.frames);
  });

  it("goes on from any commit", () => {
    const { bytes, header } = realLog();
    const all = new WalScanner(header).feed(bytes.subarray(WAL_HEADER_SIZE));
    const scanner = new WalScanner(header);
    const end = (all[0]?.pageNumbers.length ?? 0) + 1;
    expect(scanner.feed(bytes.subarray(WAL_HEADER_SIZE, frameOffset(end)))).toEqual(all.slice(0, 1));
    const next = new WalScanner(header, scanner.committed);
    expect(next.feed(bytes.subarray(next.offset))).toEqual(all.slice(1));
    expect(new WalScanner(header).committed).toEqual(startOfLog(header));
  });

  it("stops at a frame with any bit changed", () => {
    const { bytes, header } = realLog();
    const second = frameOffset(2);
    for (const at of [0, 5, 8, 15, 16, 23, 24, FRAME_SIZE - 1]) {
      const changed = Uint8Array.from(bytes);
      changed[second + at] = (changed[second + at] as number) ^ 0x10;
      const scanner = new WalScanner(header);
      scanner.feed(changed.subarray(WAL_HEADER_SIZE));
      expect([scanner.frames, scanner.ended]).toEqual([1, true]);
      expect(scanner.feed(bytes.subarray(WAL_HEADER_SIZE))).toEqual([]);
    }
  });
});

test("endsCommit tells whether the last frame of a commit is still there", () => {
  const { bytes, header } = realLog();
  const scanner = new WalScanner(header);
  scanner.feed(bytes.subarray(WAL_HEADER_SIZE));
  const { committed } = scanner;
  const at = frameOffset(committed.frames);
  const frameHeader = bytes.slice(at, at + FRAME_HEADER_SIZE);
  expect(endsCommit(frameHeader, committed)).toBe(true);
  expect(endsCommit(frameHeader.subarray(0, -1), committed)).toBe(false);
  for (const offset of [16, 20]) {
    const other = Uint8Array.from(frameHeader);
    other[offset] = (other[offset] as number) ^ 1;
    expect(endsCommit(other, committed)).toBe(false);
  }
});
