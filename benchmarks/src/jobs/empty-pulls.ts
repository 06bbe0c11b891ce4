import { Agent, request } from "node:http";
import { quantile } from "../measure/statistics.js";
import { insertStatements, runRemoteSql } from "../peers/run-remote-sql.js";
import type { Job } from "./job.js";
import { CREATE_ITEMS } from "./rows.js";

/** Asks for changes where there are none, on so many connections that are kept, one request after the other on each. */
export const emptyPulls: Job<{ url: string; connections: number; milliseconds: number }> = async ({
  url,
  connections,
  milliseconds,
}) => {
  await runRemoteSql(url, [CREATE_ITEMS, ...insertStatements(1, 1_000)]);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const revision = revisionOf(await pull(agent, url, new Uint8Array(0)));
  // Field 3 of the request, a text: the client's revision.
  const body = Buffer.concat([Buffer.from([0x1a, revision.length]), revision]);
  const taken: number[] = [];
  const start = performance.now();
  const end = start + milliseconds;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let now = performance.now(); now < end; ) {
        const answer = await pull(agent, url, body);
        if (answer.length > 512) throw new Error(`an empty pull of ${answer.length} bytes`);
        const next = performance.now();
        taken.push(next - now);
        now = next;
      }
    }),
  );
  agent.destroy();
  return { "pulls/s": (taken.length / (performance.now() - start)) * 1000, "p50, ms": quantile(taken, 0.5) };
};

function pull(agent: Agent, url: string, body: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/pull-updates`, { method: "POST", agent }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve(Buffer.concat(parts)));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The answer begins with the length of its header, whose first field is the revision. */
function revisionOf(answer: Buffer): Buffer {
  const at = answer[0] as number;
  if (at > 127 || answer[1] !== 0x0a) throw new Error("an answer without a revision");
  return answer.subarray(3, 3 + (answer[2] as number));
}
