import { runJob } from "../jobs/run-job.js";
import { inTemporaryDirectory } from "../peers/temporary-directory.js";
import type { Case, Question, Scale } from "../question.js";
import { bareRequests } from "./bare-requests.js";
import { OURS, pairCases, THEIRS } from "./pairs.js";

const LOCAL = "a plain local insert";
/** Turso's client takes about 45 s to push 200,000 rows. */
const MANY_ROWS = 200_000;

/** How long it takes to push rows that were inserted by one transaction. */
function pushQuestion(rows: number, rounds: number): Question {
  const onlyInFull = rows === MANY_ROWS;
  const amounts = (scale: Scale): { rows: number; times: number } =>
    scale === "short" ? { rows: 200, times: 2 } : { rows, times: onlyInFull ? 1 : 5 };
  const cases: Case[] = [
    ...pairCases(({ client, server, directory, scale }) =>
      runJob("pushRows", {
        client,
        path: `${directory}/replica.db`,
        url: server.url,
        ...amounts(scale),
      }),
    ),
    {
      name: LOCAL,
      run: (scale) =>
        inTemporaryDirectory((directory) =>
          runJob("localInsert", { path: `${directory}/plain.db`, ...amounts(scale) }),
        ),
    },
  ];
  const isSlow = ({ name }: Case): boolean => onlyInFull && name.startsWith("Turso");
  return {
    name: `push-${rows}`,
    title: `Push ${rows.toLocaleString("en")} rows`,
    rounds,
    cases: cases.map((one) => ({ ...one, onlyInFull, ...(isSlow(one) && { rounds: 2 }) })),
    targets: [
      { figure: "push, ms", of: OURS, against: THEIRS, atMost: 0.1 },
      { figure: "push, ms", of: OURS, against: LOCAL, atMost: 4 },
    ],
  };
}

export const PUSH: readonly Question[] = [pushQuestion(10_000, 5), pushQuestion(MANY_ROWS, 3)];

export const PUSH_ONE: Question = {
  name: "push-one",
  title: "Push one row",
  cases: [
    ...pairCases(({ client, server, directory, scale }) =>
      runJob("pushOne", {
        client,
        path: `${directory}/replica.db`,
        url: server.url,
        times: scale === "short" ? 5 : 200,
      }),
    ),
    bareRequests(["p50, ms"]),
  ],
  targets: [
    { figure: "p50, ms", of: OURS, against: THEIRS, atMost: 0.1 },
    { figure: "p50, ms", of: OURS, atMost: 1.5 },
  ],
};
