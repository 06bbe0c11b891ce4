import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createNodeStorage } from "../../../storage-node-fs/src/index.js";
import type { Coroutine } from "../../src/coroutine/coroutine.js";
import { runSync } from "../../src/coroutine/run-sync.js";
import type { EngineIo } from "../../src/ports/engine-io.js";
import {
  type ReplayJournal,
  ReplayJournalReader,
  ReplayJournalWriter,
} from "../../src/tape/replay-journal.js";
import type { SqlRow } from "../../src/values/sql-value.js";
import { tempDirectory } from "../pages/support/temp-directory.js";

const ports = createNodeStorage() as unknown as EngineIo;
const run = <T>(coroutine: Coroutine<T>): T => runSync(coroutine, ports);
const HEADER = { id: "1", streams: { base: 0, repeatedUpTo: 0, trimmedUpTo: 0 } } as ReplayJournal;

const adding = (rows: readonly SqlRow[]) =>
  function* (writer: ReplayJournalWriter): Coroutine<void> {
    for (const row of rows) yield* writer.add([row]);
  };

function* all(next: () => Coroutine<readonly SqlRow[]>): Coroutine<SqlRow[]> {
  const rows: SqlRow[] = [];
  for (let piece = yield* next(); piece.length > 0; piece = yield* next()) rows.push(...piece);
  return rows;
}

it("keeps rows of the tape and rows of change streams apart, and is whole with both only", () => {
  const path = join(tempDirectory(), "replica.db-replay");
  run(
    ReplayJournalWriter.write(
      path,
      HEADER,
      adding([[1n], [2n]]),
      adding([
        ["of", "streams"],
        [null, 3n],
      ]),
    ),
  );
  const reader = run(ReplayJournalReader.open(path)) as ReplayJournalReader;
  expect(run(all(() => reader.nextRows()))).toEqual([[1n], [2n]]);
  expect(run(all(() => reader.nextStreamRows()))).toEqual([
    ["of", "streams"],
    [null, 3n],
  ]);
  reader.rewind();
  expect(run(all(() => reader.nextRows()))).toEqual([[1n], [2n]]);
  run(reader.close());

  const bytes = readFileSync(path);
  for (let length = 0; length < bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length));
    expect(run(ReplayJournalReader.open(path)), `${length} bytes`).toBeUndefined();
  }
});

it("gives the rows of the tape to a repair also where those of the streams are cut off", () => {
  const path = join(tempDirectory(), "replica.db-replay");
  run(ReplayJournalWriter.write(path, HEADER, adding([[1n]]), adding([["of", "streams"]])));
  writeFileSync(path, readFileSync(path).subarray(0, -9));
  const reader = run(ReplayJournalReader.open(path, true)) as ReplayJournalReader;
  expect(run(all(() => reader.nextRows()))).toEqual([[1n]]);
  run(reader.close());
});
