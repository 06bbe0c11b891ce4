import { quantile } from "../measure/statistics.js";
import { type ClientKind, openClient } from "../peers/client.js";
import { insertStatements, runRemoteSql } from "../peers/run-remote-sql.js";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS } from "./rows.js";

/** Pulls after each commit of one row at the server, and once more where there is nothing. */
export const pullOne: Job<{ client: ClientKind; path: string; url: string; times: number }> = async ({
  client: kind,
  path,
  url,
  times,
}) => {
  await runRemoteSql(url, [CREATE_ITEMS, ...insertStatements(1, 1_000)]);
  const client = await openClient(kind, path, url);
  await client.pull();
  const one: number[] = [];
  const none: number[] = [];
  for (let id = 10_000; id < 10_020 + times; id++) {
    await runRemoteSql(url, insertStatements(id, 1));
    one.push(await timed(() => client.pull()));
    none.push(await timed(() => client.pull()));
  }
  const count = await client.value("SELECT count(*) FROM items");
  if (Number(count) !== 1_020 + times) throw new Error(`${String(count)} rows arrived`);
  await client.close();
  return {
    "one row, p50, ms": quantile(one.slice(20), 0.5),
    "nothing, p50, ms": quantile(none.slice(20), 0.5),
    "nothing, p99, ms": quantile(none.slice(20), 0.99),
  };
};
