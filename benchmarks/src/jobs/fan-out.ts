import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { quantile } from "../measure/statistics.js";
import { endChild, keepTrack } from "../peers/child-processes.js";
import { runRemoteSql } from "../peers/run-remote-sql.js";
import { commitMarker } from "./commit-marker.js";
import type { Job } from "./job.js";

const PROCESSES = 2;
const WARM_UPS = 5;

/** From the request that commits a row until its page has come to each of so many subscribers, which are in two processes. */
export const fanOut: Job<{ url: string; subscribers: number; commits: number }> = async ({
  url,
  subscribers,
  commits,
}) => {
  await runRemoteSql(url, [
    "CREATE TABLE one(id INTEGER PRIMARY KEY, said TEXT)",
    `INSERT INTO one VALUES (1, '${commitMarker(0)}')`,
  ]);
  const script = fileURLToPath(new URL("./fan-out-child.js", import.meta.url));
  const children = Array.from({ length: PROCESSES }, () => {
    const each = String(Math.ceil(subscribers / PROCESSES));
    const child = keepTrack(fork(script, [url, each], { execArgv: [] }));
    return { child, ended: once(child, "exit") };
  });
  const answers = async (): Promise<number[]> => {
    const waiting = children.map(async ({ child, ended }) => {
      const [answer] = await Promise.race([once(child, "message"), ended]);
      if (!Array.isArray(answer)) throw new Error("a process of subscribers has ended");
      return answer as number[];
    });
    return (await Promise.all(waiting)).flat();
  };
  const arrivals: number[][] = [];
  await answers();
  for (let commit = 1; commit <= commits + WARM_UPS; commit++) {
    const arriving = answers();
    await runRemoteSql(url, [`UPDATE one SET said = '${commitMarker(commit)}' WHERE id = 1`]);
    arrivals.push(await arriving);
  }
  await Promise.all(children.map(({ child }) => endChild(child)));
  const warm = arrivals.slice(WARM_UPS);
  return {
    "p50, ms": quantile(warm.flat(), 0.5),
    "p99, ms": quantile(warm.flat(), 0.99),
    "the last one, ms": quantile(
      warm.map((one) => Math.max(...one)),
      0.5,
    ),
  };
};
