import { runJob } from "../jobs/run-job.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Question } from "../question.js";
import { OURS, pairCases, THEIRS } from "./pairs.js";

const LOCAL = "a plain local insert";

/** How long it takes to push rows that were inserted by one transaction. */
function pushQuestion(rows: number, rounds: number): Question {
  const name = `push-${rows}`;
  return {
    name,
    title: `Push ${rows.toLocaleString("en")} rows`,
    rounds,
    cases: [
      ...pairCases(({ client, server, directory, scale }) =>
        runJob("pushRows", {
          client,
          path: `${directory}/replica.db`,
          url: server.url,
          rows: scale === "short" ? 200 : rows,
        }),
      ),
      {
        name: LOCAL,
        run: (scale) =>
          inTemporaryDirectory((directory) =>
            runJob("localInsert", { path: `${directory}/plain.db`, rows: scale === "short" ? 200 : rows }),
          ),
      },
    ],
    targets: [
      { figure: "push, ms", of: OURS, against: THEIRS, atMost: 0.1 },
      { figure: "push, ms", of: OURS, against: LOCAL, atMost: 4 },
    ],
  };
}

export const PUSH: readonly Question[] = [pushQuestion(10_000, 5), pushQuestion(200_000, 3)];

export const PUSH_ONE: Question = {
  name: "push-one",
  title: "Push one row",
  cases: pairCases(({ client, server, directory, scale }) =>
    runJob("pushOne", {
      client,
      path: `${directory}/replica.db`,
      url: server.url,
      times: scale === "short" ? 5 : 200,
    }),
  ),
  targets: [{ figure: "p50, ms", of: OURS, against: THEIRS, atMost: 0.1 }],
};
