import { SyncError } from "../errors/sync-error.js";
import type { EngineIo } from "../ports/engine-io.js";
import { answer } from "./answer.js";
import type { Coroutine } from "./coroutine.js";

/** Runs a procedure to its end with ports that all answer at once. Used by tests, simulation and synchronous hosts. */
export function runSync<T>(coroutine: Coroutine<T>, ports: EngineIo): T {
  let step = coroutine.next();
  while (!step.done) {
    const result = answer(ports, step.value);
    if (result.value instanceof Promise) {
      const message = `${step.value.method} answered with a promise in a synchronous run`;
      step = coroutine.throw(new SyncError("internal", message));
    } else step = result.failed ? coroutine.throw(result.value) : coroutine.next(result.value);
  }
  return step.value;
}
