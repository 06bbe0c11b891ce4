import { readdirSync, readFileSync } from "node:fs";

/** What a process and those that it has started use. */
export interface ProcessUsage {
  /** Resident memory, MB. */
  readonly memory: number;
  /** Time on processors so far, s: that of ended processes included. */
  readonly cpu: number;
}

/** Ticks of the kernel's clock in a second, on every Linux that Node runs on. */
const TICKS = 100;

/** From `/proc`, so on Linux only: throws elsewhere. */
export function usageOf(pid: number): ProcessUsage {
  const parents = new Map<number, { parent: number; ticks: number; endedTicks: number }>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? readIfThere(`/proc/${name}/stat`) : undefined;
    // Behind the name of the command, which may have anything in it: state, parent, …, times of it and of ended children.
    const fields = stat
      ?.slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    if (fields === undefined) continue;
    const [own = 0, system = 0, ended = 0, endedSystem = 0] = fields.slice(11, 15);
    parents.set(Number(name), {
      parent: fields[1] as number,
      ticks: own + system,
      endedTicks: ended + endedSystem,
    });
  }
  let memory = 0;
  let ticks = 0;
  const family = [pid];
  for (const member of family) {
    const one = parents.get(member);
    if (one === undefined) continue;
    ticks += one.ticks + one.endedTicks;
    memory += memoryOf(member);
    for (const [other, { parent }] of parents) if (parent === member) family.push(other);
  }
  return { memory, cpu: ticks / TICKS };
}

function memoryOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`) ?? "")?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

/** A process may end while it is looked at. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
