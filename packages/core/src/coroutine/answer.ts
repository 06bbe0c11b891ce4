import type { EngineIo } from "../ports/engine-io.js";
import type { IoRequest } from "./coroutine.js";

/** What a port method did, as data, so that a driver can hand a failure to the coroutine. */
export interface IoAnswer {
  readonly failed: boolean;
  readonly value: unknown;
}

/** Calls the port method that a request names. Never throws. */
export function answer(ports: EngineIo, request: IoRequest): IoAnswer {
  try {
    const method = ports[request.method] as (...args: unknown[]) => unknown;
    return { failed: false, value: method.apply(ports, request.args as unknown[]) };
  } catch (error) {
    return { failed: true, value: error };
  }
}
