import type { Writer } from "../jobs/capture.js";
import { runJob } from "../jobs/run-job.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Question, Scale, Target } from "../question.js";

const NAMES: Readonly<Record<Writer, string>> = {
  plain: "plain better-sqlite3",
  tributary: "Tributary",
  turso: "Turso",
  wasm: "plain SQLite in wasm",
  "cr-sqlite": "cr-sqlite in wasm",
};
const WRITERS: readonly Writer[] = ["plain", "tributary", "turso", "wasm", "cr-sqlite"];
const ROWS = 200_000;
const BULK = ["insert, ms", "update, ms", "delete, ms"];
const COMMIT = "p50, ms";

export const CAPTURE: Question = {
  name: "capture",
  title: `Write ${ROWS.toLocaleString("en")} rows locally`,
  cases: WRITERS.map((writer) => ({
    name: NAMES[writer],
    run: (scale) =>
      inTemporaryDirectory((directory) =>
        runJob("capture", { writer, path: `${directory}/local.db`, rows: rowsOf(scale) }),
      ),
    // About 25 s.
    ...(writer === "cr-sqlite" && { rounds: 2 }),
  })),
  targets: [
    { figure: "insert, ms", of: NAMES.tributary, against: NAMES.plain, atMost: 1.6 },
    ...BULK.map((figure): Target => ({ figure, of: NAMES.tributary, against: NAMES.turso, atMost: 0.5 })),
  ],
};

export const COMMIT_ONE: Question = {
  name: "commit-one",
  title: "Commit one row locally",
  // What a commit takes is mostly what the disk takes, which changes from one second to the next.
  rounds: 15,
  cases: WRITERS.map((writer) => ({
    name: NAMES[writer],
    run: (scale) =>
      inTemporaryDirectory((directory) =>
        runJob("commit", { writer, path: `${directory}/local.db`, times: scale === "short" ? 5 : 300 }),
      ),
  })),
  targets: [
    { figure: COMMIT, of: NAMES.tributary, against: NAMES.plain, atMost: 1.15 },
    { figure: COMMIT, of: NAMES.tributary, against: NAMES.turso, atMost: 0.5 },
  ],
};

const READERS = ["plain", "tributary"] as const;

export const READ: Question = {
  name: "read",
  title: "Read locally",
  rounds: 7,
  cases: READERS.map((writer) => ({
    name: NAMES[writer],
    run: (scale) =>
      inTemporaryDirectory((directory) =>
        runJob("read", { writer, path: `${directory}/local.db`, rows: rowsOf(scale) }),
      ),
  })),
  targets: ["row by key, µs", "all rows, ms"].map((figure) => ({
    figure,
    of: NAMES.tributary,
    against: NAMES.plain,
    atMost: 1.02,
  })),
};

function rowsOf(scale: Scale): number {
  return scale === "short" ? 500 : ROWS;
}
