import type { FromHost, ToHost } from "../sql-host/host-messages.js";

/** The way to a `SqlHost`, wherever it runs. */
export interface WorkerPort {
  /** Messages arrive in order, those of one call together. Does nothing once it has ended. */
  send(messages: readonly ToHost[]): void;
  /** Keeps this process alive as long as it is true: somebody waits for an answer. */
  keepAlive(isNeeded: boolean): void;
  /** Ends it at once, whatever it does: what is not committed is rolled back. `onEnd` is called later. */
  kill(): void;
}

/** What a port tells. */
export interface WorkerPortEvents {
  /** In their order. */
  onMessages(messages: readonly FromHost[]): void;
  /**
   * Once, when it is gone: `reason` says why where it was not asked for. `lastWords` is what it wrote before, if anything,
   * for the log alone: anything may be in it.
   */
  onEnd(reason: string, lastWords?: string): void;
}

/** Starts a host. */
export type StartWorker = (events: WorkerPortEvents) => WorkerPort;
