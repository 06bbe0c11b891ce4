import { quantile } from "../measure/statistics.js";
import { type ClientKind, openClient } from "../peers/client.js";
import { runRemoteSql } from "../peers/run-remote-sql.js";
import { type Job, timed } from "./job.js";

/** Pulls one changed page again and again from a database that is large already. */
export const grownPull: Job<{ client: ClientKind; path: string; url: string; times: number }> = async ({
  client: kind,
  path,
  url,
  times,
}) => {
  await runRemoteSql(url, [
    "CREATE TABLE one(id INTEGER PRIMARY KEY, n INTEGER)",
    "INSERT INTO one VALUES (1, 0)",
  ]);
  const client = await openClient(kind, path, url);
  const taken: number[] = [];
  for (let time = 0; time < times + 5; time++) {
    await runRemoteSql(url, ["UPDATE one SET n = n + 1"]);
    taken.push(await timed(() => client.pull()));
  }
  await client.close();
  return { "pull, p50, ms": quantile(taken.slice(5), 0.5) };
};
