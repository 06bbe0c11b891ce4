import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A client in a process of its own, for tests in which it must die. */
export interface SpawnedClient {
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

/** Starts a script of this folder; resolves when it has said `ready`. */
export async function spawnClient(script: string, args: readonly string[]): Promise<SpawnedClient> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(kill);
  const line = await Promise.race([
    once(createInterface(child.stdout), "line"),
    exited.then(() => ["it ended"]),
  ]);
  if (line[0] !== "ready") throw new Error(`${script}: ${line[0]}`);
  return { kill };
}
