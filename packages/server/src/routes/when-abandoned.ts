import type { ServerTimer } from "../server-clock.js";
import type { RouteContext } from "./route-context.js";

/** How long the work for a client that has gone may go on, ms: it may be about to commit. */
const ABANDONED_MS = 1_000;

/**
 * Calls `giveUp` when the client of a request has been gone for a while. Gives the function that ends this, and says whether
 * the client has gone.
 */
export function whenAbandoned(
  { request: { signal }, options: { clock } }: Pick<RouteContext, "request" | "options">,
  giveUp: () => void,
): () => boolean {
  let timer: ServerTimer | undefined;
  const onAbort = (): void => {
    timer = clock.startTimer(ABANDONED_MS, giveUp);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort);
  return () => {
    signal.removeEventListener("abort", onAbort);
    timer?.cancel();
    return signal.aborted;
  };
}
