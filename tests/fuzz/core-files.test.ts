import { frameOffset, runSync, SyncError } from "@tributary/core";
import { mutateBytes, type SeededRandom } from "@tributary/testkit";
import { describe } from "vitest";
import {
  decodeMetadata,
  encodeMetadata,
  type ReplicaMetadata,
} from "../../packages/core/src/metadata/replica-metadata.js";
import { PageDownload } from "../../packages/core/src/pages/page-download.js";
import { RevertFile } from "../../packages/core/src/pages/revert-file.js";
import { WalLog } from "../../packages/core/src/pages/wal-log.js";
import {
  type ReplayJournal,
  ReplayJournalReader,
  ReplayJournalWriter,
} from "../../packages/core/src/tape/replay-journal.js";
import { crc32 } from "../../packages/core/src/values/crc32.js";
import { itSurvives } from "./support/fuzz.js";
import { createMemoryFile } from "./support/memory-file.js";
import { makeSqliteFiles } from "./support/sqlite-corpus.js";

const FILE = "core-files.test.ts";
const hasCode =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    error instanceof SyncError && codes.includes(error.code);

const file = createMemoryFile();

const JOURNAL = {
  id: "0123456789abcdef0123456789abcdef",
  revision: "6f2a9c0e11d4b377-42",
  plan: {},
  clientId: "client-1",
  pullGeneration: 3,
  tapeValues: 16,
  shapes: [],
} as unknown as ReplayJournal;

function journalOf(rows: Parameters<ReplayJournalWriter["add"]>[0][]): Uint8Array {
  const fill = function* (writer: ReplayJournalWriter) {
    for (const block of rows) yield* writer.add(block);
  };
  runSync(ReplayJournalWriter.write("journal", JOURNAL, fill), file.ports);
  return file.bytes;
}

const JOURNALS = [
  journalOf([]),
  journalOf([
    [[1n, 0n, 4n, null, "CREATE TABLE t (a)"]],
    [[2n, 1n, 1n, null, 5n, 1.5, new Uint8Array(9)], [3n]],
  ]),
];

/** Half of the journals have blocks whose checksums hold again. */
function journalLike(random: SeededRandom): Uint8Array {
  const bytes = mutateBytes(JOURNALS, random);
  if (random.chance(0.5)) return bytes;
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 8 + view.getUint32(at, true);
    if (end > bytes.length) break;
    view.setUint32(at + 4, crc32(bytes.subarray(at + 8, end)), true);
    at = end;
  }
  return bytes;
}

/** Runs what opens and closes the file, whatever becomes of it. */
function closing<T>(bytes: Uint8Array, read: () => T): T {
  file.bytes = bytes;
  file.open = 0;
  let error: unknown;
  let result: T | undefined;
  try {
    result = read();
  } catch (thrown) {
    error = thrown;
  }
  if (file.open !== 0) throw new Error("the file was left open");
  if (error !== undefined) throw error;
  return result as T;
}

function readJournal(): number {
  const reader = runSync(ReplayJournalReader.open("journal"), file.ports);
  if (reader === undefined) return 0;
  try {
    let count = 0;
    for (let rows = runSync(reader.nextRows(), file.ports); rows.length > 0; ) {
      count += rows.length;
      rows = runSync(reader.nextRows(), file.ports);
    }
    return count;
  } finally {
    runSync(reader.close(), file.ports);
  }
}

const PAGES = new Uint8Array(3 * 4096).map((_, index) => index);
const revert = runSync(RevertFile.create("revert"), file.ports);
runSync(revert.append([1, 7, 2 ** 32 - 1], PAGES), file.ports);
const REVERT_FILE = file.bytes;
const REVERT_ID = revert.revertId;

const { log: LOG, database: DATABASE } = makeSqliteFiles(4096);

const SOUND_METADATA = {
  clientId: "name-0b3c",
  revision: "6f2a9c0e11d4b377-42",
  witnesses: [3, 12],
  pages: {
    databaseSize: 12,
    header: { writeVersion: 2, readVersion: 2, schemaCookie: 5 },
    watermark: { salt1: 1, salt2: 2, frames: 3 },
    revertId: REVERT_ID,
  },
  fileStamp: "8192:1",
  closed: true,
  rests: true,
  pushedChangeId: 4,
  lastPullAt: 1_700_000_000_000,
  lastPushAt: undefined,
} as unknown as ReplicaMetadata;
const METADATA = [
  encodeMetadata(SOUND_METADATA),
  new Uint8Array(Buffer.from('{"synced_revision":null,"client_unique_id":"x","version":"v1"}')),
  new Uint8Array(Buffer.from('{"hash":1,"version":0,"durable_frame_num":3,"generation":1}')),
];

/** Half of them have a checksum that holds, over content that is not what it should be. */
function metadataLike(random: SeededRandom): Uint8Array {
  if (random.chance(0.5)) return mutateBytes(METADATA, random);
  const text = Buffer.from(mutateBytes([Buffer.from(JSON.stringify(SOUND_METADATA))], random)).toString();
  try {
    return encodeMetadata(JSON.parse(text) as ReplicaMetadata);
  } catch {
    return Buffer.from(text);
  }
}

describe("files of a replica", () => {
  itSurvives(FILE, "replay journal", {
    makeInput: journalLike,
    decode: (bytes) => closing(bytes, readJournal),
    isExpectedError: hasCode("damaged-file"),
    count: 80_000,
  });
  itSurvives(FILE, "revert file", {
    makeInput: (random) => mutateBytes([REVERT_FILE, REVERT_FILE.subarray(0, 60)], random),
    decode: (bytes) =>
      closing(bytes, () => {
        const opened = runSync(RevertFile.open("revert", REVERT_ID), file.ports);
        for (const page of opened.pages) opened.locationOf(page);
        runSync(opened.close(), file.ports);
      }),
    isExpectedError: hasCode("damaged-file"),
    count: 40_000,
  });
  itSurvives(FILE, "log, followed", {
    makeInput: (random) => mutateBytes([LOG], random),
    decode(bytes) {
      const log = new WalLog("log");
      for (const content of [LOG, bytes, LOG]) {
        file.bytes = content;
        runSync(log.refresh(), file.ports);
        // The last frame is known by its header.
        const frames = log.index?.frames ?? 0;
        if (frames > 0 && frameOffset(frames) + 24 > content.length)
          throw new Error("frames that are not there");
      }
      runSync(log.close(), file.ports);
    },
    isExpectedError: hasCode("damaged-file"),
    refuses: false,
    count: 10_000,
  });
  itSurvives(FILE, "page download cut short", {
    makeInput: (random) => mutateBytes([DATABASE], random),
    decode(bytes) {
      const download = new PageDownload("changes", 2, 0);
      runSync(download.add({ pageIds: Uint32Array.of(0, 1), bytes: DATABASE }), file.ports);
      file.bytes = bytes;
      runSync(download.checkComplete(true), file.ports);
    },
    isExpectedError: hasCode("invalid-page-stream", "io-failed"),
    count: 5_000,
  });
  itSurvives(FILE, "page batches", {
    makeInput: (random) => mutateBytes([Uint8Array.of(0, 0, 1, 0, 2, 0), Uint8Array.of(2, 0, 1, 0)], random),
    decode(bytes) {
      const ids = Uint32Array.from(
        { length: bytes.length >> 1 },
        (_, index) => (bytes[2 * index] as number) << (bytes[2 * index + 1] as number),
      );
      const download = new PageDownload("changes", 3);
      const wrong = bytes[0] === 0xff ? 1 : 0;
      runSync(
        download.add({
          pageIds: ids,
          bytes: new Uint8Array(ids.length * 4096 - wrong * Math.min(ids.length, 1)),
        }),
        file.ports,
      );
      if (download.pageCount > 3) throw new Error(`${download.pageCount} pages of 3`);
    },
    isExpectedError: hasCode("invalid-page-stream"),
    count: 20_000,
  });
  itSurvives(FILE, "metadata", {
    makeInput: metadataLike,
    decode: (bytes) => decodeMetadata(bytes, "replica.db-info"),
    isExpectedError: hasCode("damaged-metadata", "not-a-replica"),
    count: 100_000,
    refuses: true,
  });
});
