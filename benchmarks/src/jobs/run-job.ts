import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { endChild, keepTrack } from "../peers/child-processes.js";
import type { Measurement } from "../question.js";
import type { Jobs } from "./jobs.js";

/** Runs a job in a fresh process: what one contender leaves behind, warm code or a large heap, is none of the next one's. */
export async function runJob<N extends keyof Jobs>(
  name: N,
  args: Parameters<Jobs[N]>[0],
): Promise<Measurement> {
  const script = fileURLToPath(new URL("./job-child.js", import.meta.url));
  const child = keepTrack(fork(script, { execArgv: ["--expose-gc"] }));
  const ended = once(child, "exit").then(() => undefined);
  const answered = once(child, "message");
  child.send({ name, args });
  const first = await Promise.race([answered, ended]);
  if (first === undefined) throw new Error(`the job ${name} ended without a result`);
  await endChild(child);
  const [answer] = first as [Measurement | { error: string }];
  if ("error" in answer && typeof answer.error === "string") throw new Error(answer.error);
  return answer as Measurement;
}
