import { type EngineIo, type FileHandle, type SqlFailure, SyncError } from "@tributary/core";

/** What the system says when it refuses. */
export type Errno = "ENOSPC" | "EDQUOT" | "EIO" | "EACCES";

/** Which calls fail, and how. */
export interface PlannedFailure {
  /** The first call that fails, counted from 1 among those that match since the plan was made. */
  readonly call: number;
  /** How many calls in a row fail. Default 1; `Infinity`: all from then on. */
  readonly calls?: number;
  readonly errno: Errno;
  /** Only calls of this method. */
  readonly method?: keyof EngineIo;
  /** Only calls on files with such a path. */
  readonly path?: RegExp;
  /** A `writeAt` writes half of its bytes before it fails. */
  readonly half?: boolean;
  /** SQLite ends the transaction by itself, as it may when the disk is full or broken. */
  readonly rollsBack?: boolean;
}

/** Ports of which calls can be made to fail. */
export interface FailingPorts {
  readonly ports: EngineIo;
  /** Calls that matched since the plan was made. */
  readonly matched: number;
  /** Calls that were made to fail since then. */
  readonly failed: number;
  /** Replaces the plan. */
  fail(plan: PlannedFailure): void;
  /** Lets everything through again. */
  heal(): void;
}

type Call = (...args: unknown[]) => unknown;

/** Calls whose failure says nothing of a disk, or that no adapter lets fail. */
const NEVER_FAIL: ReadonlySet<string> = new Set<keyof EngineIo>([
  "now",
  "sleep",
  "randomBytes",
  "closeFile",
  "closeConnections",
  "endPull",
  "releaseLock",
  "transactionBoundaries",
]);

const REMOTE: ReadonlySet<string> = new Set<keyof EngineIo>(["startPull", "receivePages", "runRemoteBatch"]);

const SQL: ReadonlySet<string> = new Set<keyof EngineIo>([
  "acquireLock",
  "openConnections",
  "queryFile",
  "querySql",
  "executeSql",
  "runSql",
  "tryBeginWrite",
  "refreshCapture",
]);

const SQL_CODE: Readonly<Record<Errno, string>> = {
  ENOSPC: "SQLITE_FULL",
  EDQUOT: "SQLITE_FULL",
  EIO: "SQLITE_IOERR",
  EACCES: "SQLITE_CANTOPEN",
};

/**
 * Wraps ports so that calls fail as a full or broken disk makes them: file methods with an error that has the errno as
 * its `code`, SQL methods with SQLite's code for it, remote ones with `unreachable`. The call is then not made. A
 * ROLLBACK never fails.
 */
export function createFailingPorts(ports: EngineIo): FailingPorts {
  const paths = new Map<unknown, string>();
  let plan: PlannedFailure | undefined;
  let matched = 0;
  let failed = 0;

  const isPlanned = (method: string, args: readonly unknown[]): boolean => {
    if (plan === undefined || NEVER_FAIL.has(method) || isRollback(method, args)) return false;
    if (plan.method !== undefined && plan.method !== method) return false;
    if (plan.path !== undefined && !plan.path.test(paths.get(args[0]) ?? String(args[0]))) return false;
    matched++;
    return matched >= plan.call && matched < plan.call + (plan.calls ?? 1);
  };

  const refuse = (method: string, args: readonly unknown[], { errno, half, rollsBack }: PlannedFailure) => {
    failed++;
    if (method === "writeAt" && half) {
      const [file, offset, bytes] = args as [FileHandle, number, Uint8Array];
      ports.writeAt(file, offset, bytes.subarray(0, bytes.length >>> 1));
    }
    if (rollsBack && (method === "executeSql" || method === "runSql")) endTransaction(ports);
    return failureOf(method, errno);
  };

  const wrapped = Object.fromEntries(
    Object.entries(ports).map(([method, call]: [string, Call]) => [
      method,
      (...args: unknown[]) => {
        if (isPlanned(method, args)) return refuse(method, args, plan as PlannedFailure);
        const answer = call.apply(ports, args);
        if (method === "openFile") notePath(paths, answer, String(args[0]));
        return answer;
      },
    ]),
  );
  return {
    ports: wrapped as unknown as EngineIo,
    get matched() {
      return matched;
    },
    get failed() {
      return failed;
    },
    fail(next) {
      plan = next;
      matched = 0;
      failed = 0;
    },
    heal() {
      plan = undefined;
    },
  };
}

function isRollback(method: string, args: readonly unknown[]): boolean {
  return method === "executeSql" && /\bROLLBACK$/.test(String(args[1]));
}

function notePath(paths: Map<unknown, string>, answer: unknown, path: string): void {
  if (answer instanceof Promise) void answer.then((file) => paths.set(file, path)).catch(() => {});
  else paths.set(answer, path);
}

/** Throws what the method would throw; a run of statements reports its failure instead. */
function failureOf(method: string, errno: Errno): SqlFailure {
  const message = `${method} was made to fail with ${errno}`;
  if (REMOTE.has(method)) throw new SyncError("unreachable", message);
  if (!SQL.has(method)) throw Object.assign(new Error(message), { code: errno });
  const sqlCode = SQL_CODE[errno];
  if (method === "runSql") return { index: 0, message, sqlCode };
  throw new SyncError("sql-failed", message, { sqlCode });
}

function endTransaction(ports: EngineIo): void {
  try {
    void ports.executeSql("writer", "ROLLBACK");
  } catch {
    // None was open.
  }
}
