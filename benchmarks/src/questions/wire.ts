import { runJob } from "../jobs/run-job.js";
import type { Question } from "../question.js";
import { OURS, pairCases, THEIRS } from "./pairs.js";

export const WIRE_BYTES: Question = {
  name: "bytes",
  title: "Bytes on the wire per row",
  rounds: 1,
  cases: pairCases(({ client, server, directory, scale }) =>
    runJob("wireBytes", {
      client,
      path: `${directory}/replica.db`,
      url: server.url,
      rows: scale === "short" ? 200 : 10_000,
    }),
  ),
  targets: ["pushed row, bytes", "pulled row, bytes"].map((figure) => ({
    figure,
    of: OURS,
    against: THEIRS,
    atMost: 1,
  })),
};
