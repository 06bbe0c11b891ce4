import { quantile } from "../measure/statistics.js";
import { type ClientKind, openClient } from "../peers/client.js";
import { runRemoteSql } from "../peers/run-remote-sql.js";
import { type Job, timed } from "./job.js";

/** The first ones are not counted. */
const WARM_UPS = 5;

/**
 * Pulls one changed page again and again from a database in which much is already; with `hasLocalChange`, into a replica that
 * has to repeat a change of its own each time.
 */
export const grownPull: Job<{
  client: ClientKind;
  path: string;
  url: string;
  times: number;
  hasLocalChange?: boolean;
}> = async ({ client: kind, path, url, times, hasLocalChange = false }) => {
  await runRemoteSql(url, [
    "CREATE TABLE one(id INTEGER PRIMARY KEY, n INTEGER)",
    "INSERT INTO one VALUES (1, 0), (2, 0)",
  ]);
  const client = await openClient(kind, path, url);
  await client.pull();
  if (hasLocalChange) await client.exec("UPDATE one SET n = 7 WHERE id = 2");
  const taken: number[] = [];
  for (let time = 0; time < times + WARM_UPS; time++) {
    await runRemoteSql(url, ["UPDATE one SET n = n + 1 WHERE id = 1"]);
    taken.push(await timed(() => client.pull()));
  }
  const seen = Number(await client.value("SELECT n FROM one WHERE id = 1"));
  if (seen !== times + WARM_UPS) throw new Error(`${seen} commits were seen`);
  await client.close();
  return { "pull, p50, ms": quantile(taken.slice(WARM_UPS), 0.5) };
};
