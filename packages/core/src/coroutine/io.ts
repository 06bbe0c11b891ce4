import { SyncError } from "../errors/sync-error.js";
import type { EngineIo } from "../ports/engine-io.js";
import type { Coroutine, IoRequest } from "./coroutine.js";

/** One generator per port method. `yield* io.readAt(…)` is typed; a plain `yield` does not type-check. */
export type IoCalls = {
  readonly [M in keyof EngineIo]: (
    ...args: Parameters<EngineIo[M]>
  ) => Coroutine<Awaited<ReturnType<EngineIo[M]>>>;
};

function* call<M extends keyof EngineIo>(
  method: M,
  args: Parameters<EngineIo[M]>,
): Coroutine<Awaited<ReturnType<EngineIo[M]>>> {
  try {
    return (yield { method, args } as IoRequest) as Awaited<ReturnType<EngineIo[M]>>;
  } catch (error) {
    if (error instanceof SyncError) throw error;
    // Wrapped here, inside the generator, so that the stack is the engine's own and the cause the adapter's.
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyncError("io-failed", `${method} failed: ${reason}`, { cause: error });
  }
}

/** The ports as an engine procedure sees them. Calling one without `yield*` does nothing. */
export const io: IoCalls = new Proxy({} as IoCalls, {
  get:
    (_target, method) =>
    (...args: unknown[]) =>
      call(method as keyof EngineIo, args as never),
});
