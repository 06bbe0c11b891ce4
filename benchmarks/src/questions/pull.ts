import { runJob } from "../jobs/run-job.js";
import { SERVER_NAMES, type ServerKind, startServer } from "../peers/server-process.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Case, Question, Target } from "../question.js";
import { OURS, pairCases, THEIRS } from "./pairs.js";

export const PULL_ONE: Question = {
  name: "pull-one",
  title: "Pull one row, and nothing",
  cases: pairCases(({ client, server, directory, scale }) =>
    runJob("pullOne", {
      client,
      path: `${directory}/replica.db`,
      url: server.url,
      times: scale === "short" ? 5 : 100,
    }),
  ),
  targets: ["one row, p50, ms", "nothing, p50, ms"].map((figure) => ({
    figure,
    of: OURS,
    against: THEIRS,
    atMost: 0.1,
  })),
};

export const PULL: readonly Question[] = [5_000, 100_000].map((rows) => ({
  name: `pull-${rows}`,
  title: `Pull ${rows.toLocaleString("en")} changed rows into a replica with 1,000 local changes`,
  rounds: 3,
  cases: pairCases(({ client, server, directory, scale }) =>
    runJob("pullRows", {
      client,
      path: `${directory}/replica.db`,
      url: server.url,
      rows: scale === "short" ? 200 : rows,
    }),
  ),
  targets: [{ figure: "pull, ms", of: OURS, against: THEIRS, atMost: 1 / 3 }],
}));

const KINDS: readonly ServerKind[] = ["tributary", "turso"];

export const EMPTY_PULLS: Question = {
  name: "empty-pulls",
  title: "Empty pulls on many connections",
  rounds: 3,
  cases: [1, 8, 32].flatMap((connections) => KINDS.map((kind) => emptyPulls(kind, connections))),
  targets: [1, 8, 32].map(
    (connections): Target => ({
      figure: "pulls/s",
      of: caseName("tributary", connections),
      against: caseName("turso", connections),
      atLeast: 10,
    }),
  ),
};

function emptyPulls(kind: ServerKind, connections: number): Case {
  return {
    name: caseName(kind, connections),
    run: (scale) =>
      inTemporaryDirectory(async (directory) => {
        const server = await startServer(kind, `${directory}/server.db`);
        try {
          const milliseconds = scale === "short" ? 100 : 2_000;
          return await runJob("emptyPulls", { url: server.url, connections, milliseconds });
        } finally {
          await server.end();
        }
      }),
  };
}

function caseName(kind: ServerKind, connections: number): string {
  return `${SERVER_NAMES[kind]}, ${connections}`;
}
