import { quantile } from "../measure/statistics.js";
import { type Client, type ClientKind, openClient } from "../peers/client.js";
import { runRemoteCommits, runRemoteSql } from "../peers/run-remote-sql.js";
import { type Job, timed } from "./job.js";

/** So many commits of one request. */
const COMMITS_PER_REQUEST = 500;
const WARM_UPS = 5;

/** Pulls one page into replicas that are so many commits behind, each of which changed that page. */
export const agedPull: Job<{
  client: ClientKind;
  directory: string;
  url: string;
  commits: number;
  replicas: number;
}> = async ({ client: kind, directory, url, commits, replicas }) => {
  await runRemoteSql(url, [
    "CREATE TABLE one(id INTEGER PRIMARY KEY, n INTEGER)",
    "INSERT INTO one VALUES (1, 0)",
  ]);
  const clients: Client[] = [];
  for (let index = 0; index < replicas + WARM_UPS; index++) {
    const client = await openClient(kind, `${directory}/replica-${index}.db`, url);
    await client.pull();
    clients.push(client);
  }
  for (let done = 0; done < commits; done += COMMITS_PER_REQUEST) {
    const count = Math.min(COMMITS_PER_REQUEST, commits - done);
    await runRemoteCommits(url, Array<string>(count).fill("UPDATE one SET n = n + 1"));
  }
  const taken: number[] = [];
  for (const client of clients) {
    taken.push(await timed(() => client.pull()));
    const seen = Number(await client.value("SELECT n FROM one"));
    if (seen !== commits) throw new Error(`${seen} of ${commits} commits were seen`);
    await client.close();
  }
  return { "pull, p50, ms": quantile(taken.slice(WARM_UPS), 0.5) };
};
