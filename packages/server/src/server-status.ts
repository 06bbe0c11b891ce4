import type { DatabaseStatus } from "./databases/databases.js";

/** The state of a server, cheap to have. */
export interface ServerStatus {
  /** Those that are open. */
  readonly databases: readonly DatabaseStatus[];
  /** Processes that run SQL, those of them that do so now, and requests that wait for one. */
  readonly workers: { readonly running: number; readonly busy: number; readonly waiting: number };
  readonly sockets: number;
  /** Requests that are being served. */
  readonly requests: number;
}
