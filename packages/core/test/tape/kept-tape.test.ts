import { expect, it } from "vitest";
import { runSync } from "../../src/coroutine/run-sync.js";
import type { EngineIo } from "../../src/ports/engine-io.js";
import { KeptTape } from "../../src/tape/kept-tape.js";
import type { ReplayJournal } from "../../src/tape/replay-journal.js";
import type { SqlRow } from "../../src/values/sql-value.js";

const PORTS = {} as EngineIo;
const JOURNAL = { id: "a journal" } as ReplayJournal;

function rowsOf(tape: KeptTape): SqlRow[] {
  const all: SqlRow[] = [];
  for (let rows = runSync(tape.nextRows(), PORTS); rows.length > 0; rows = runSync(tape.nextRows(), PORTS))
    all.push(...rows);
  return all;
}

it("gives back what was added, twice if asked", () => {
  const tape = new KeptTape(JOURNAL);
  tape.add([[1n], [2n]]);
  tape.add([[3n, "text"]]);
  expect(tape.isWhole).toBe(true);
  expect(rowsOf(tape)).toEqual([[1n], [2n], [3n, "text"]]);
  tape.rewind();
  expect(rowsOf(tape)).toEqual([[1n], [2n], [3n, "text"]]);
});

it("keeps no long tape", () => {
  const tape = new KeptTape(JOURNAL);
  for (let piece = 0; piece < 5; piece++) tape.add([[new Uint8Array(1024 * 1024)]]);
  expect(tape.isWhole).toBe(false);
  expect(rowsOf(tape)).toEqual([]);
});
