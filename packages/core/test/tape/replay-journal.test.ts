import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNodeStorage } from "../../../storage-node-fs/src/index.js";
import type { Coroutine } from "../../src/coroutine/coroutine.js";
import { runSync } from "../../src/coroutine/run-sync.js";
import type { EngineIo } from "../../src/ports/engine-io.js";
import type { ReplayJournal } from "../../src/tape/replay-journal.js";
import { ReplayJournalReader, ReplayJournalWriter } from "../../src/tape/replay-journal.js";
import { crc32 } from "../../src/values/crc32.js";
import type { SqlRow } from "../../src/values/sql-value.js";
import { encodeUtf8 } from "../../src/values/utf8.js";
import { tempDirectory } from "../pages/support/temp-directory.js";

/** The file port, which counts the files that are open. */
function countingPorts(): { ports: EngineIo; openFiles: () => number } {
  const files = createNodeStorage();
  let count = 0;
  const ports = {
    ...files,
    openFile: (...args: Parameters<typeof files.openFile>) => {
      const file = files.openFile(...args);
      if (file !== undefined) count++;
      return file;
    },
    closeFile: (...args: Parameters<typeof files.closeFile>) => {
      count--;
      return files.closeFile(...args);
    },
  };
  return { ports: ports as unknown as EngineIo, openFiles: () => count };
}

const { ports, openFiles } = countingPorts();
const run = <T>(coroutine: Coroutine<T>): T => runSync(coroutine, ports);
const header = (fields: object): ReplayJournal => ({ id: "1", revision: "r", ...fields }) as ReplayJournal;

function block(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(payload), true);
  bytes.set(payload, 8);
  return bytes;
}

function journalFile(...blocks: Uint8Array[]): string {
  const path = join(tempDirectory(), "replica.db-replay");
  writeFileSync(path, Buffer.concat(blocks));
  return path;
}

const END = block(new Uint8Array(0));

describe("a replay journal", () => {
  it("gives back what was written, twice if asked", () => {
    const values = fc.oneof(
      fc.constant(null),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double({ noNaN: true }),
      fc.string({ unit: "grapheme" }),
      fc.uint8Array(),
    );
    const blocks = fc.array(fc.array(fc.array(values), { minLength: 1, maxLength: 5 }), { maxLength: 4 });
    const path = join(tempDirectory(), "replica.db-replay");
    fc.assert(
      fc.property(blocks, fc.string({ unit: "grapheme" }), (written, revision) => {
        const fill = function* (writer: ReplayJournalWriter) {
          for (const rows of written) yield* writer.add(rows as SqlRow[]);
        };
        run(ReplayJournalWriter.write(path, header({ revision }), fill));
        const reader = run(ReplayJournalReader.open(path)) as ReplayJournalReader;
        expect(reader.journal).toEqual(header({ revision }));
        for (let round = 0; round < 2; round++) {
          const read: (readonly SqlRow[])[] = [];
          for (let rows = run(reader.nextRows()); rows.length > 0; rows = run(reader.nextRows()))
            read.push(rows);
          expect(read).toEqual(written);
          reader.rewind();
        }
        run(reader.close());
      }),
      { seed: 1, numRuns: 60 },
    );
    expect(openFiles()).toBe(0);
  });

  it("does not count when a crash has left it with zeros in place of its content", () => {
    // The size of a file can be on the disk before its content is; eight zeros are an empty block.
    for (const length of [1, 8, 64, 5000]) {
      expect(run(ReplayJournalReader.open(journalFile(new Uint8Array(length))))).toBeUndefined();
    }
    expect(openFiles()).toBe(0);
  });

  it.each([
    ["no JSON", "{"],
    ["a number", "1"],
    ["null", "null"],
  ])(
    "fails with damaged-file when its header is %s under a checksum that holds, and closes the file",
    (_what, text) => {
      const path = journalFile(block(encodeUtf8(text)), END);
      expect(() => run(ReplayJournalReader.open(path))).toThrow(
        expect.objectContaining({ name: "SyncError", code: "damaged-file", details: { path } }),
      );
      expect(openFiles()).toBe(0);
    },
  );

  it("fails with damaged-file for rows that are none under a checksum that holds", () => {
    const path = journalFile(block(encodeUtf8('{"id":"1"}')), block(Uint8Array.of(1, 0, 1)), END);
    const reader = run(ReplayJournalReader.open(path)) as ReplayJournalReader;
    expect(() => run(reader.nextRows())).toThrow(
      expect.objectContaining({ name: "SyncError", code: "damaged-file" }),
    );
    run(reader.close());
  });
});
