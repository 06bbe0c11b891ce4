import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import type { Coroutine, EngineIo, FileHandle, IoRequest, MaybePromise } from "@tributary/core";
import { copyFiles, makeCrashDirectory } from "./crash-directory.js";

/** A moment at which the process may have died. */
export interface CrashPoint {
  /** Counts the requests, from 1. */
  readonly number: number;
  /** What would have been next, as `17: writeAt replica.db-wal`. */
  readonly label: string;
  /** A new copy of the files as they are then. It is removed when the check of this point has ended. */
  copy(): string;
}

/** How to stop a procedure everywhere. */
export interface StopOptions {
  readonly ports: EngineIo;
  /** Where the replica's files are; no directories in it. */
  readonly directory: string;
  /** The path of an open file, for labels and half-written files. */
  readonly pathOf: (file: FileHandle) => string | undefined;
  /** Called at each crash point, before the procedure goes on. What it throws ends the run, with the label in front. */
  readonly check: (point: CrashPoint) => MaybePromise<void>;
}

/** How a procedure that was stopped everywhere ended. */
export interface StoppedRun<T> {
  readonly outcome: { readonly value: T } | { readonly error: unknown };
  /** Requests it made. */
  readonly requests: number;
  /** Crash points that were checked: one before each request, one in the middle of each write, one at the end. */
  readonly points: number;
}

/** Runs a procedure to its end, and has every moment checked at which a crash could have ended it. */
export async function stopAtEveryRequest<T>(
  procedure: Coroutine<T>,
  { ports, directory, pathOf, check }: StopOptions,
): Promise<StoppedRun<T>> {
  const room = makeCrashDirectory();
  let requests = 0;
  let points = 0;
  let copies = 0;

  const inspect = async (what: string, alter: (copy: string) => void = () => {}): Promise<void> => {
    points++;
    const label = `${requests}: ${what}`;
    const made: string[] = [];
    const copy = (): string => {
      const path = join(room, String(copies++));
      made.push(path);
      copyFiles(directory, path);
      alter(path);
      return path;
    };
    try {
      await check({ number: requests, label, copy });
    } catch (error) {
      throw new Error(`Stopped at ${label}: ${String(error)}`, { cause: error });
    } finally {
      for (const path of made) rmSync(path, { recursive: true, force: true });
    }
  };

  try {
    let step = procedure.next();
    while (!step.done) {
      const request = step.value;
      requests++;
      await inspect(describeRequest(request, pathOf));
      const half = halfWritten(request, pathOf);
      if (half !== undefined) await inspect(`half of ${describeRequest(request, pathOf)}`, half);
      step = await answerRequest(procedure, request, ports);
    }
    requests++;
    await inspect("end");
    return { outcome: { value: step.value }, requests: requests - 1, points };
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("Stopped at ")) throw error;
    requests++;
    await inspect("end, failed");
    return { outcome: { error }, requests: requests - 1, points };
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

async function answerRequest<T>(
  procedure: Coroutine<T>,
  request: IoRequest,
  ports: EngineIo,
): Promise<IteratorResult<IoRequest, T>> {
  let answer: unknown;
  try {
    const method = ports[request.method] as (...args: unknown[]) => unknown;
    answer = await method.apply(ports, request.args as unknown[]);
  } catch (error) {
    return procedure.throw(error);
  }
  return procedure.next(answer);
}

/** A request in a few words. */
function describeRequest({ method, args }: IoRequest, pathOf: StopOptions["pathOf"]): string {
  const [first, second] = args as readonly unknown[];
  if (typeof first === "number") return `${method} ${basename(pathOf(first as FileHandle) ?? "")}`;
  if (typeof first !== "string") return method;
  if (method === "querySql" || method === "executeSql") return `${method} ${first} ${oneLine(second)}`;
  return `${method} ${basename(first)}`;
}

function oneLine(sql: unknown): string {
  return String(sql).replace(/\s+/g, " ").slice(0, 60);
}

/** What makes a copy look as if the process had died in the middle of a write; `undefined` for other requests. */
function halfWritten(
  { method, args }: IoRequest,
  pathOf: StopOptions["pathOf"],
): ((copy: string) => void) | undefined {
  if (method === "writeAt") {
    const [file, offset, bytes] = args;
    const path = pathOf(file);
    if (bytes.length < 2 || path === undefined) return undefined;
    return (copy) => {
      const descriptor = openSync(join(copy, basename(path)), "r+");
      writeSync(descriptor, bytes, 0, bytes.length >>> 1, offset);
      closeSync(descriptor);
    };
  }
  if (method !== "replaceWholeFile") return undefined;
  // The usual way to replace a file: another one is written beside it first.
  const [path, bytes] = args;
  return (copy) => writeFileSync(join(copy, `${basename(path)}.tmp`), bytes.subarray(0, bytes.length >>> 1));
}
