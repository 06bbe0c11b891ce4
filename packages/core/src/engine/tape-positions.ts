import type { Coroutine } from "../coroutine/coroutine.js";
import { lastChangeId } from "../tape/read-tape.js";
import type { ReplicaSession } from "./replica-session.js";

/** Change ids of the tape as it is now. They begin anew when a pull restarts it. */
export interface TapePositions {
  /** The newest local change; 0 for none. What lies above `sent` is only here. */
  readonly committed: number;
  /** Up to here changes were sent, or found to need no sending. */
  readonly sent: number;
  /** Up to here the remote has them. After a crash it may be less than it could be, until the next push. */
  readonly acknowledged: number;
}

/** How far the local changes have come. Touches no network, and little of the database. */
export function* tapePositions({ metadata, tape }: ReplicaSession): Coroutine<TapePositions> {
  const { pushedChangeId } = metadata;
  return {
    committed: yield* lastChangeId(),
    sent: Math.max(tape.sentUpTo, pushedChangeId),
    acknowledged: pushedChangeId,
  };
}
