import { runJob } from "../jobs/run-job.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Question, Scale, Target } from "../question.js";
import { OURS, pairCases, THEIRS, withServer } from "./pairs.js";

const LIVE = "Tributary, live";
const STREAM = "Tributary, change stream";
const PUSHED = "pushed row, bytes";
const PULLED = "pulled row, bytes";

export const WIRE_BYTES: Question = {
  name: "bytes",
  title: "Bytes on the wire per row",
  rounds: 1,
  cases: [
    ...pairCases(({ client, server, directory, scale }) =>
      runJob("wireBytes", { client, path: `${directory}/replica.db`, url: server.url, rows: rowsOf(scale) }),
    ),
    {
      name: LIVE,
      run: (scale) =>
        withServer("tributary", ({ url }, directory) =>
          runJob("liveBytes", { path: `${directory}/replica.db`, url, rows: rowsOf(scale) }),
        ),
    },
    {
      name: STREAM,
      run: (scale) =>
        inTemporaryDirectory((directory) =>
          runJob("streamBytes", { path: `${directory}/captured.db`, rows: rowsOf(scale) }),
        ),
    },
  ],
  targets: [
    ...[PUSHED, PULLED].map((figure): Target => ({ figure, of: OURS, against: THEIRS, atMost: 1 })),
    ...[STREAM, LIVE].map((of): Target => ({ figure: PUSHED, of, against: THEIRS, atMost: 0.1 })),
    ...[STREAM, LIVE].map((of): Target => ({ figure: PULLED, of, against: THEIRS, atMost: 1 })),
  ],
};

function rowsOf(scale: Scale): number {
  return scale === "short" ? 200 : 10_000;
}
