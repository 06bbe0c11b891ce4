import type { EngineIo } from "@tributary/core";

/** Ports of which a request can be made to fail. */
export interface FailingPorts {
  readonly ports: EngineIo;
  /** Requests made since `arm`. */
  readonly count: number;
  /** From now on the request with this number, and as many after it as told, fail without being made. */
  arm(first: number, howMany: number): void;
  disarm(): void;
}

/** Requests whose failure nobody could do anything about: ending what is open anyway. */
const NEVER_FAIL: ReadonlySet<string> = new Set(["now", "sleep", "randomBytes", "closeFile"]);

/** Wraps ports so that requests fail as a full disk or a broken one would make them. */
export function failingPorts(ports: EngineIo): FailingPorts {
  let count = 0;
  let fails: (request: number) => boolean = () => false;
  const wrapped = Object.fromEntries(
    Object.entries(ports).map(([method, call]) => [
      method,
      (...args: unknown[]) => {
        const isRollback = method === "executeSql" && String(args[1]).includes("ROLLBACK");
        if (!NEVER_FAIL.has(method) && !isRollback && fails(++count)) {
          throw Object.assign(new Error(`injected failure of ${method}`), { code: "EIO" });
        }
        return (call as (...args: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as EngineIo;
  return {
    ports: wrapped,
    get count() {
      return count;
    },
    arm(first, howMany) {
      count = 0;
      fails = (request) => request >= first && request < first + howMany;
    },
    disarm() {
      fails = () => false;
    },
  };
}
