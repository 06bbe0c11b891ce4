import type { Writer } from "../jobs/capture.js";
import { runJob } from "../jobs/run-job.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Question, Scale } from "../question.js";

const NAMES: Readonly<Record<Writer, string>> = {
  plain: "plain better-sqlite3",
  tributary: "Tributary",
  turso: "Turso",
};
const WRITERS: readonly Writer[] = ["plain", "tributary", "turso"];
const ROWS = 200_000;

export const CAPTURE: Question = {
  name: "capture",
  title: `Write ${ROWS.toLocaleString("en")} rows locally`,
  cases: WRITERS.map((writer) => ({
    name: NAMES[writer],
    run: (scale) =>
      inTemporaryDirectory((directory) =>
        runJob("capture", { writer, path: `${directory}/local.db`, rows: rowsOf(scale) }),
      ),
  })),
  targets: [
    { figure: "insert, ms", of: NAMES.tributary, against: NAMES.plain, atMost: 1.6 },
    { figure: "one commit, ms", of: NAMES.tributary, against: NAMES.plain, atMost: 1.15 },
    ...["insert, ms", "update, ms", "delete, ms"].map((figure) => ({
      figure,
      of: NAMES.tributary,
      against: NAMES.turso,
      atMost: 0.5,
    })),
  ],
};

const READERS = ["plain", "tributary"] as const;

export const READ: Question = {
  name: "read",
  title: "Read locally",
  rounds: 9,
  cases: READERS.map((writer) => ({
    name: NAMES[writer],
    run: (scale) =>
      inTemporaryDirectory((directory) =>
        runJob("read", { writer, path: `${directory}/local.db`, rows: rowsOf(scale) }),
      ),
  })),
  targets: ["rows by key, µs", "all rows, ms"].map((figure) => ({
    figure,
    of: NAMES.tributary,
    against: NAMES.plain,
    atMost: 1.02,
  })),
};

function rowsOf(scale: Scale): number {
  return scale === "short" ? 500 : ROWS;
}
