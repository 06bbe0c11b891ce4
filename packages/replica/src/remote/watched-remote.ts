import type { ProtocolIo } from "@tributary/core";

/** What is done about the requests of one operation. */
export interface RemoteWatch {
  /** In place of how long a pull says that it may wait, if it may; asked for when it is sent. */
  readonly waitMs?: (() => number) | undefined;
  /** A batch is sent, or was answered. */
  readonly onBatch: () => void;
}

/** A remote for one operation, whose requests are looked at. */
export function watchedRemote(remote: ProtocolIo, { waitMs, onBatch }: RemoteWatch): ProtocolIo {
  return {
    startPull: (request) => {
      const mayWait = waitMs !== undefined && request.longPollTimeoutMs > 0;
      return remote.startPull(mayWait ? { ...request, longPollTimeoutMs: waitMs() } : request);
    },
    receivePages: (pull) => remote.receivePages(pull),
    endPull: (pull) => remote.endPull(pull),
    runRemoteBatch: async (batch) => {
      onBatch();
      try {
        return await remote.runRemoteBatch(batch);
      } finally {
        onBatch();
      }
    },
  };
}
