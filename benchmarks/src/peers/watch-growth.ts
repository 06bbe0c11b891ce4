import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { usageOf } from "./process-usage.js";

const EVERY_MS = 20;

/** How large a server and its files are, MB. */
export interface ServerSize {
  readonly memory: number;
  readonly database: number;
  readonly log: number;
  /** What else it keeps beside them. */
  readonly others: number;
}

/** Looks at a server, again and again, until it is asked for the most that was seen of each. */
export function watchGrowth(pid: number, file: string): { end(): ServerSize } {
  let most = sizeOf(pid, file);
  const timer = setInterval(() => {
    const now = sizeOf(pid, file);
    most = {
      memory: Math.max(most.memory, now.memory),
      database: Math.max(most.database, now.database),
      log: Math.max(most.log, now.log),
      others: Math.max(most.others, now.others),
    };
  }, EVERY_MS);
  return {
    end() {
      clearInterval(timer);
      return most;
    },
  };
}

export function sizeOf(pid: number, file: string): ServerSize {
  let others = 0;
  for (const name of readdirSync(dirname(file))) {
    const isOther = name.startsWith(basename(file)) && name !== basename(file) && !name.endsWith("-wal");
    if (isOther) others += megabytes(join(dirname(file), name));
  }
  return {
    memory: usageOf(pid).memory,
    database: megabytes(file),
    log: megabytes(`${file}-wal`),
    others,
  };
}

/** Of a file, or of a directory with what is in it; 0 for one that is not there. */
function megabytes(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size / 2 ** 20;
  return readdirSync(path).reduce((sum, name) => sum + megabytes(join(path, name)), 0);
}
