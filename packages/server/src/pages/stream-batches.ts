import type { ServerDatabase } from "../database/server-database.js";
import { PulledBody } from "../http/pulled-body.js";

/**
 * A body of many pieces, each made only when the client has taken the one before; those that are `ready` come first.
 * A client that takes nothing for `downloadStallTimeoutMs` gets an error in place of the rest: as long as it is waited
 * for, the WAL cannot be checkpointed. `onEnd` is called once, when nothing is read any more.
 */
export function streamBatches(
  { clock, options: { downloadStallTimeoutMs } }: Pick<ServerDatabase, "clock" | "options">,
  ready: Uint8Array[],
  nextBatch: () => Uint8Array | undefined,
  onEnd: () => void,
): PulledBody {
  const next = (): Uint8Array | undefined => ready.shift() ?? nextBatch();
  return new PulledBody({ next, onEnd, stallTimeoutMs: downloadStallTimeoutMs, clock });
}
