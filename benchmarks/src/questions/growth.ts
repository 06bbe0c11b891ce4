import { runJob } from "../jobs/run-job.js";
import { fillDatabase } from "../peers/fill-database.js";
import type { Question } from "../question.js";
import { OURS, pairCases, THEIRS } from "./pairs.js";

const SIZES = [1, 100, 1_000];

/** Whether what a pull of one page costs follows the size of the database. */
export const GROWTH: Question = {
  name: "growth",
  title: "Pull one page, by the size of the database",
  rounds: 1,
  cases: SIZES.flatMap((size) =>
    pairCases(async ({ client, server, directory, scale }) => {
      await fillDatabase(server.url, scale === "short" ? 1 : size);
      return runJob("grownPull", {
        client,
        path: `${directory}/replica.db`,
        url: server.url,
        times: scale === "short" ? 3 : 50,
      });
    })
      .filter(({ name }) => name === OURS || name === THEIRS)
      .map(({ name, run }) => ({ name: `${name}, ${size} MB`, run })),
  ),
  targets: [
    { figure: "pull, p50, ms", of: `${OURS}, 1000 MB`, against: `${OURS}, 1 MB`, atMost: 1.5 },
    { figure: "pull, p50, ms", of: `${OURS}, 1000 MB`, against: `${THEIRS}, 1000 MB`, atMost: 0.1 },
  ],
};
