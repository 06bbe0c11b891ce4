import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PageIndex } from "../src/pages/page-index.js";
import { type PageRun, PageRunWriter } from "../src/revisions/page-runs.js";
import { RevisionFile } from "../src/revisions/revision-file.js";
import type { SavedState } from "../src/revisions/saved-state.js";
import { createRandom } from "./support/random.js";
import { tempDirectory } from "./support/temp-directory.js";

const stateOf = (sequence: number): SavedState => ({
  epoch: "0123456789abcdef",
  revision: { epoch: "0123456789abcdef", sequence, check: "fedcba9876543210" },
  lineage: [{ epoch: "a".repeat(16), upTo: 3, found: ["b".repeat(16)] }],
  stamp: { size: 4096 * sequence, modifiedNs: "1700000000123456789", header: "1-2-3" },
  standsAlone: sequence % 2 === 0,
  wal: { salt1: 1, salt2: 2, frames: sequence, check: "fedcba9876543210" },
});

function bytesOf(sequence: number, runs: readonly PageRun[]): Uint8Array {
  const writer = new PageRunWriter(sequence);
  for (const run of runs) writer.add(run);
  return writer.bytes;
}

function runsOf(index: PageIndex): PageRun[] {
  const runs: PageRun[] = [];
  index.visitRunsSince(0, (run) => runs.push(run));
  return runs;
}

function readSaved(path: string): { state: SavedState; runs: PageRun[] } | undefined {
  const file = new RevisionFile(path);
  const saved = file.takeSaved();
  file.close();
  return saved && { state: saved.state, runs: runsOf(saved.index) };
}

/** A file of three records; what it holds after each of them, and how long it is then. */
function writeFile() {
  const path = join(tempDirectory(), "x.db-revisions");
  const file = new RevisionFile(path);
  const contents: { state: SavedState; runs: PageRun[]; length: number }[] = [];
  const index = new PageIndex();
  for (const sequence of [1, 2, 1000]) {
    const runs = [
      { pageNumber: 1, count: 1, sequence },
      { pageNumber: 500 * sequence, count: 300, sequence },
    ];
    for (const run of runs) index.markRun(run);
    const { lineage, ...head } = stateOf(sequence);
    if (sequence === 1) file.rewrite({ ...head, lineage }, bytesOf(sequence, runs));
    else file.append(head, bytesOf(sequence, runs));
    contents.push({ state: stateOf(sequence), runs: runsOf(index), length: statSync(path).size });
  }
  file.close();
  return { path, contents };
}

test("what was saved is read back", () => {
  const { path, contents } = writeFile();
  const { length: _, ...newest } = contents[2] as (typeof contents)[number];
  expect(readSaved(path)).toEqual(newest);
});

test("a file that is damaged or cut off anywhere holds what lies before, exactly", () => {
  const { path, contents } = writeFile();
  const whole = readFileSync(path);
  for (let place = 0; place < whole.length; place++) {
    const last = contents.findLast(({ length }) => length <= place);
    const expected = last && { state: last.state, runs: last.runs };
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << (place % 8)), place);
    for (const damaged of [flipped, whole.subarray(0, place)]) {
      writeFileSync(path, damaged);
      expect(readSaved(path)).toEqual(expected);
    }
  }
});

test("what is appended behind a damaged record is read back", () => {
  const { path, contents } = writeFile();
  truncateSync(path, (contents[1]?.length ?? 0) + 20);
  const file = new RevisionFile(path);
  const { lineage: _, ...head } = stateOf(7);
  file.append(head, bytesOf(7, []));
  file.close();
  expect(readSaved(path)).toEqual({ state: stateOf(7), runs: contents[1]?.runs });
});

test("runs of pages keep every page's last change", () => {
  const random = createRandom(7);
  const [index, copy] = [new PageIndex(), new PageIndex()];
  const path = join(tempDirectory(), "x.db-revisions");
  const file = new RevisionFile(path);
  let saved = 0;
  for (let sequence = 1; sequence <= 2000; sequence++) {
    const first = 1 + Math.floor(random() ** 3 * 200_000);
    const count = random() < 0.1 ? 3000 : 1;
    for (let page = first; page < first + count; page++) index.mark(page, sequence);
    if (random() > 0.02 && sequence < 2000) continue;
    const writer = new PageRunWriter(sequence);
    index.visitRunsSince(saved, (run) => {
      writer.add(run);
      copy.markRun(run);
    });
    if (saved === 0) file.rewrite(stateOf(sequence), writer.bytes);
    else file.append(stateOf(sequence), writer.bytes);
    saved = sequence;
  }
  file.close();
  expect(readSaved(path)?.runs).toEqual(runsOf(index));
  for (const since of [0, 1, 500, 1999, 2000]) {
    expect(copy.changedSince(since, 203_000)).toEqual(index.changedSince(since, 203_000));
  }
});

test("a file that grew is written anew, with a name that a crash in between leaves alone", () => {
  const { path } = writeFile();
  const file = new RevisionFile(path);
  const { lineage: _, ...head } = stateOf(1001);
  for (let count = 0; !file.isLong; count++) {
    expect(count).toBeLessThan(2000);
    file.append(head, new Uint8Array(999));
  }
  const before = readSaved(path);
  writeFileSync(`${path}-next`, "half of it");
  expect(readSaved(path)).toEqual(before);
  file.rewrite(stateOf(1002), bytesOf(1002, []));
  expect(file.isLong).toBe(false);
  file.append({ ...head, standsAlone: true }, bytesOf(1001, [{ pageNumber: 9, count: 1, sequence: 1001 }]));
  file.close();
  expect(readSaved(path)?.runs).toEqual([{ pageNumber: 9, count: 1, sequence: 1001 }]);
});
