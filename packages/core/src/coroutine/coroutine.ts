import type { EngineIo } from "../ports/engine-io.js";

/** A port method with its arguments, as data: what an engine procedure yields. */
export type IoRequest = {
  [M in keyof EngineIo]: { readonly method: M; readonly args: Parameters<EngineIo[M]> };
}[keyof EngineIo];

/**
 * An engine procedure: it yields requests and is resumed with their answers. Between two yields it is pure, so it can
 * be stopped at any of them (a crash), fed any failure, and replayed exactly.
 */
export type Coroutine<T> = Generator<IoRequest, T, unknown>;
