import { runJob } from "../jobs/run-job.js";
import { SERVER_NAMES, type ServerKind } from "../peers/server-process.js";
import type { Case, Question, Target } from "../question.js";
import { bareRequests } from "./bare-requests.js";
import { OURS, pairCases, THEIRS, withServer } from "./pairs.js";

const P50 = ["one row, p50, ms", "nothing, p50, ms"];

export const PULL_ONE: Question = {
  name: "pull-one",
  title: "Pull one row, and nothing",
  cases: [
    ...pairCases(({ client, server, directory, scale }) =>
      runJob("pullOne", {
        client,
        path: `${directory}/replica.db`,
        url: server.url,
        times: scale === "short" ? 5 : 100,
      }),
    ),
    bareRequests(P50),
  ],
  targets: P50.map((figure) => ({ figure, of: OURS, against: THEIRS, atMost: 0.1 })),
};

export const PULL: readonly Question[] = [5_000, 100_000].map((rows) => ({
  name: `pull-${rows}`,
  title: `Pull ${rows.toLocaleString("en")} changed rows into a replica with 1,000 local changes`,
  rounds: rows > 10_000 ? 3 : 5,
  cases: pairCases(({ client, server, directory, scale }) =>
    runJob("pullRows", {
      client,
      path: `${directory}/replica.db`,
      url: server.url,
      rows: scale === "short" ? 200 : rows,
      times: scale === "short" ? 2 : rows > 10_000 ? 4 : 8,
    }),
  ).map((one) => ({ ...one, onlyInFull: rows > 10_000 })),
  targets: [{ figure: "pull, ms", of: OURS, against: THEIRS, atMost: 1 / 3 }],
}));

const KINDS: readonly (ServerKind | "bare")[] = ["tributary", "turso", "bare"];
const CONNECTIONS = [1, 8, 32];

export const EMPTY_PULLS: Question = {
  name: "empty-pulls",
  title: "Empty pulls on many connections",
  rounds: 3,
  cases: CONNECTIONS.flatMap((connections) => KINDS.map((kind) => emptyPulls(kind, connections))),
  targets: [
    { figure: "pulls/s", of: CONNECTIONS.map((count) => caseName("tributary", count)), atLeast: 5_000 },
    ...CONNECTIONS.map(
      (count): Target => ({
        figure: "p50, ms",
        of: caseName("tributary", count),
        against: caseName("turso", count),
        atMost: 0.1,
      }),
    ),
  ],
};

function emptyPulls(kind: ServerKind | "bare", connections: number): Case {
  return {
    name: caseName(kind, connections),
    onlyInFull: connections === 8,
    run: (scale) =>
      withServer(kind, ({ url }) =>
        runJob("emptyPulls", { url, connections, milliseconds: scale === "short" ? 100 : 2_000 }),
      ),
  };
}

function caseName(kind: ServerKind | "bare", connections: number): string {
  return `${kind === "bare" ? "bare node:http" : SERVER_NAMES[kind]}, ${connections}`;
}
