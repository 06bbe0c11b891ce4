import { SyncError } from "../errors/sync-error.js";
import type { EngineIo } from "../ports/engine-io.js";
import { answer } from "./answer.js";
import type { Coroutine } from "./coroutine.js";

/** The part of an `AbortSignal` that the driver reads; declared here because core knows no web globals. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
}

/**
 * Runs a procedure and awaits only the answers that are promises: a run of requests that all answer at once is one
 * uninterrupted turn of the event loop. The apply procedure relies on that (see docs/REPLICA.md).
 *
 * An abort is noticed when a promise settles; the procedure then gets an `aborted` error at its yield and can clean
 * up. The transport's own request should be given the same signal, so that the promise settles at once.
 */
export async function runAsync<T>(
  coroutine: Coroutine<T>,
  ports: EngineIo,
  signal?: AbortSignalLike,
): Promise<T> {
  if (signal?.aborted) throw abortError(signal);
  let step = coroutine.next();
  let abortSeen = false;
  while (!step.done) {
    let { failed, value } = answer(ports, step.value);
    if (!failed && value instanceof Promise) {
      try {
        value = await value;
      } catch (error) {
        failed = true;
        value = error;
      }
      if (signal?.aborted && !abortSeen) {
        abortSeen = true;
        failed = true;
        value = abortError(signal);
      }
    }
    step = failed ? coroutine.throw(value) : coroutine.next(value);
  }
  return step.value;
}

function abortError(signal: AbortSignalLike): SyncError {
  return new SyncError("aborted", "The operation was aborted by its signal.", { cause: signal.reason });
}
