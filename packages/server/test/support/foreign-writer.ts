import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** Another process that has the file open. `run` executes one statement there. */
export async function startForeignWriter(
  path: string,
): Promise<{ run(sql: string): Promise<unknown[]>; kill(): Promise<void> }> {
  const script = fileURLToPath(new URL("../fixtures/foreign-writer.mjs", import.meta.url));
  const child = fork(script, [path], { execArgv: [] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "message");
  return {
    async run(sql) {
      const answered = once(child, "message");
      child.send(sql);
      const [answer] = (await answered) as [{ rows?: unknown[]; error?: string }];
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.rows ?? [];
    },
    async kill() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
