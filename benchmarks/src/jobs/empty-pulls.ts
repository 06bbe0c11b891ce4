import { quantile } from "../measure/statistics.js";
import { LoadConnection, postRequest } from "../peers/load-connection.js";
import { insertStatements, runRemoteSql } from "../peers/run-remote-sql.js";
import type { Job } from "./job.js";
import { CREATE_ITEMS } from "./rows.js";

/** Before anything is counted, ms at most: everybody's code is warm then. */
const WARM_UP_MS = 500;

/** Asks for changes where there are none, on so many connections, one request after the other on each. */
export const emptyPulls: Job<{ url: string; connections: number; milliseconds: number }> = async ({
  url,
  connections,
  milliseconds,
}) => {
  await runRemoteSql(url, [CREATE_ITEMS, ...insertStatements(1, 1_000)]);
  const pool = Array.from({ length: connections }, () => new LoadConnection(url));
  const first = await (pool[0] as LoadConnection).send(postRequest("/pull-updates", new Uint8Array(0)));
  const revision = revisionOf(first.body);
  // Field 3 of the request, a text: the client's revision.
  const pull = postRequest("/pull-updates", Buffer.concat([Buffer.from([0x1a, revision.length]), revision]));
  await sendFor(pool, pull, Math.min(milliseconds, WARM_UP_MS));
  const start = performance.now();
  const taken = await sendFor(pool, pull, milliseconds);
  const seconds = (performance.now() - start) / 1000;
  for (const connection of pool) connection.end();
  return {
    "pulls/s": taken.length / seconds,
    "p50, ms": quantile(taken, 0.5),
    "p99, ms": quantile(taken, 0.99),
  };
};

/** How long each took, ms. */
async function sendFor(
  pool: readonly LoadConnection[],
  pull: Uint8Array,
  milliseconds: number,
): Promise<number[]> {
  const taken: number[] = [];
  const end = performance.now() + milliseconds;
  await Promise.all(
    pool.map(async (connection) => {
      for (let now = performance.now(); now < end; ) {
        const { status, body } = await connection.send(pull);
        if (status !== 200 || body.length > 512)
          throw new Error(`status ${status} and ${body.length} bytes for an empty pull`);
        const next = performance.now();
        taken.push(next - now);
        now = next;
      }
    }),
  );
  return taken;
}

/** The answer begins with the length of its header, whose first field is the revision. */
function revisionOf(answer: Buffer): Buffer {
  const at = answer[0] as number;
  if (at > 127 || answer[1] !== 0x0a) throw new Error("an answer without a revision");
  return answer.subarray(3, 3 + (answer[2] as number));
}
