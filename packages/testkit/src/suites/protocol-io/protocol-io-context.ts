import type { MaybePromise, ProtocolIo } from "@tributary/core";
import type { CheckContext } from "../check.js";

/** What the suite of the remote port needs. */
export interface ProtocolIoContext extends CheckContext {
  /** Speaks to a real remote, whose database is empty. */
  readonly remote: ProtocolIo;
  /** Runs one statement on that remote by another way, and gives its rows; integers as `bigint`. */
  query(sql: string): MaybePromise<readonly (readonly unknown[])[]>;
  /** The same kind of port, where nobody answers. Set up to give up soon. Needed without `inProcess`. */
  readonly unreachable?: ProtocolIo;
}

/** What the remote, not the adapter, decides. */
export interface ProtocolIoOptions {
  /** The remote is in this process, and cannot be out of reach. Default false. */
  readonly inProcess?: boolean;
  /** The remote tells SQLite's extended codes of what fails. Default true. */
  readonly sqlCodes?: boolean;
  /**
   * All batches share one connection of the remote's, so that a transaction which one of them leaves open goes on in the
   * next. The engine lives with that, since its batches end what they begin. Default false.
   */
  readonly sharedConnection?: boolean;
}
