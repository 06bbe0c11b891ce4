import { parseDatabaseHeader, parseWalHeader, SyncError, WalScanner } from "@tributary/core";
import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import { describe } from "vitest";
import { checkRemoteFirstPage } from "../../packages/core/src/sqlite-format/database-header.js";
import { WalChecksum } from "../../packages/core/src/sqlite-format/wal-checksum.js";
import { FRAME_HEADER_SIZE, sealFrame } from "../../packages/core/src/sqlite-format/wal-frame.js";
import { formatWalHeader, WAL_HEADER_SIZE } from "../../packages/core/src/sqlite-format/wal-header.js";
import { decodeRows, encodeRows } from "../../packages/core/src/tape/row-codec.js";
import { decodeUtf8, encodeUtf8 } from "../../packages/core/src/values/utf8.js";
import { itSurvives } from "./support/fuzz.js";
import { makeSqliteFiles } from "./support/sqlite-corpus.js";

const FILE = "core-formats.test.ts";
const never = (): boolean => false;
const hasCode =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    error instanceof SyncError && codes.includes(error.code);

const SMALL = makeSqliteFiles(512);
const LARGE = makeSqliteFiles(4096);
const HEADERS = [SMALL, LARGE].map(({ database }) => database.subarray(0, 100));

/** A page is always whole where one is checked. */
function pageLike(random: SeededRandom): Uint8Array {
  const page = new Uint8Array(4096);
  const first = LARGE.database.subarray(0, 4096);
  // Header, cell pointers, and where the content begins: what the check looks at.
  const bytes = mutateBytes([first.subarray(0, 120)], random);
  page.set(first);
  page.set(bytes.subarray(0, 4096));
  return page;
}

/** Changed bytes under checksums that hold: what a program with a mistake would write, and a disk would not. */
function sealedLog(random: SeededRandom): Uint8Array {
  const log = mutateBytes([SMALL.log], random);
  if (random.chance(0.5) || log.length < WAL_HEADER_SIZE) return log;
  const view = new DataView(log.buffer);
  const fields = {
    bigEndianChecksums: random.chance(0.5),
    pageSize: 512,
    sequence: view.getUint32(12),
    salt1: view.getUint32(16),
    salt2: view.getUint32(20),
  };
  const header = formatWalHeader(fields);
  log.set(header);
  const sums = new DataView(header.buffer);
  const checksum = new WalChecksum(fields.bigEndianChecksums, sums.getUint32(24), sums.getUint32(28));
  const size = FRAME_HEADER_SIZE + 512;
  for (let at = WAL_HEADER_SIZE; at + size <= log.length; at += size) {
    const frame = { pageNumber: view.getUint32(at), databaseSize: view.getUint32(at + 4) };
    sealFrame(log, at, frame, fields, checksum);
  }
  return log;
}

/** Reads a log in pieces, and gives the commits. */
function scan(log: Uint8Array, piece: number): string {
  const header = parseWalHeader(log);
  if (header === undefined) return "no log";
  const scanner = new WalScanner(header);
  const commits: unknown[] = [];
  for (let at = WAL_HEADER_SIZE; at < log.length; at += piece)
    commits.push(...scanner.feed(log.subarray(at, at + piece)));
  const frames = Math.floor((log.length - WAL_HEADER_SIZE) / (FRAME_HEADER_SIZE + header.pageSize));
  if (scanner.frames > frames) throw new Error(`${scanner.frames} frames of ${frames}`);
  return JSON.stringify([commits, scanner.committed]);
}

const ROWS = [
  [[], [null, 1n, -(2n ** 63n)], [1.5, "text é\u{1f600}", Uint8Array.of(1, 2, 3)]],
  [["", new Uint8Array(0)]],
  Array.from({ length: 20 }, (_, index) => [BigInt(index), "x".repeat(index)]),
].map((rows) => encodeRows(rows).slice());

const TEXTS = ["", "plain", "é\u{1f600}\u{10ffff}", "\ufeffa\0b\ufffd", "a".repeat(200)].map((text) =>
  encodeUtf8(text),
);
const reference = new TextDecoder("utf-8", { ignoreBOM: true });

describe("SQLite's formats", () => {
  itSurvives(FILE, "database header", {
    makeInput: (random) => mutateBytes(HEADERS, random),
    decode: parseDatabaseHeader,
    isExpectedError: never,
    refuses: false,
    count: 500_000,
  });
  itSurvives(FILE, "first page of a remote", {
    makeInput: pageLike,
    decode: (page) => checkRemoteFirstPage(page, 2),
    isExpectedError: hasCode("invalid-page-stream"),
    count: 200_000,
  });
  itSurvives(FILE, "log header", {
    makeInput: (random) => mutateBytes([SMALL.log.subarray(0, 40), LARGE.log.subarray(0, 32)], random),
    decode: parseWalHeader,
    isExpectedError: never,
    refuses: false,
    count: 500_000,
  });
  itSurvives(FILE, "log", {
    makeInput: sealedLog,
    decode(log) {
      const whole = scan(log, log.length + 1);
      const inPieces = scan(log, 137);
      if (whole !== inPieces) throw new Error(`${whole} in one piece, ${inPieces} in pieces`);
    },
    isExpectedError: never,
    refuses: false,
    count: 50_000,
  });
});

describe("values", () => {
  itSurvives(FILE, "rows", {
    makeInput: (random) => mutateBytes(ROWS, random),
    decode: decodeRows,
    isExpectedError: hasCode("damaged-file"),
    count: 200_000,
  });
  itSurvives(FILE, "UTF-8", {
    makeInput: (random) => mutateBytes(TEXTS, random),
    decode(bytes) {
      const text = decodeUtf8(bytes);
      const expected = reference.decode(bytes);
      if (text !== expected) throw new Error(`${JSON.stringify(text)} for ${JSON.stringify(expected)}`);
    },
    isExpectedError: never,
    refuses: false,
    count: 300_000,
  });
});
