import { Agent, request } from "node:http";
import { quantile } from "../measure/statistics.js";
import { type Job, timed } from "./job.js";

/** Requests of a plain HTTP client to a server that does nothing, one after the other: less than that no push and no pull takes. */
export const roundTrips: Job<{ url: string; times: number; figures: readonly string[] }> = async ({
  url,
  times,
  figures,
}) => {
  const agent = new Agent({ keepAlive: true, noDelay: true });
  const taken: number[] = [];
  for (let time = 0; time < times + 20; time++) taken.push(await timed(() => post(agent, url)));
  agent.destroy();
  const p50 = quantile(taken.slice(20), 0.5);
  return Object.fromEntries(figures.map((figure) => [figure, p50]));
};

function post(agent: Agent, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/pull-updates`, { method: "POST", agent }, (response) => {
      response.resume().on("end", resolve).on("error", reject);
    });
    sent.on("error", reject);
    sent.end(new Uint8Array(40));
  });
}
