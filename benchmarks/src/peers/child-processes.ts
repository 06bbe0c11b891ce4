import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

const children = new Set<ChildProcess>();

/** Remembers a process until it has ended, so that none is left behind. */
export function keepTrack(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once("exit", () => children.delete(child));
  child.once("error", () => children.delete(child));
  return child;
}

/** Ends a process at once, and resolves when it has ended. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** Ends all that have not ended, without waiting. */
export function endChildren(): void {
  for (const child of children) child.kill("SIGKILL");
}
