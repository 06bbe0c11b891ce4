import type { RowMutation, TransformResult } from "../replay/transform.js";
import type { SqlValue } from "../values/sql-value.js";

/** A package in transit: bytes, or JSON text. */
export type PackagePayload = Uint8Array | string;

/** Options of `createOutboundStream`. */
export interface OutboundStreamOptions {
  /**
   * Names the receiver, best by its site: then what came from there does not go back. What it has acknowledged is kept in the database, the tape is kept until it has, and the stream goes
   * on from there whenever it is opened again. Default: nobody; the position lives as long as the object.
   */
  readonly to?: string;
  /**
   * Where to begin: after a cursor; `start`: with the oldest change that is kept; `now`: with the next; `snapshot`: with all
   * rows, and then what changes. Default: where the receiver named by `to` has acknowledged; `snapshot` for a new one. What is
   * given here counts for a receiver that is known, too. Rows from before capture began are in a snapshot only.
   */
  readonly since?: number | "start" | "now" | "snapshot";
  /** Sites whose changes are left out: of the receiver, say, which has made them. */
  readonly excludeOrigins?: readonly string[];
  /** Only changes made here, none that came in through another stream. Default false. */
  readonly localOnly?: boolean;
  /** A package ends where it has about as many bytes. One change is never split. Default 256 KiB. */
  readonly maxBytes?: number;
  /** Default `binary`. */
  readonly encoding?: "binary" | "json";
}

/** What `next` gives. */
export interface OutboundPackage {
  readonly payload: PackagePayload;
  /** The window `(from, to]`. */
  readonly from: number;
  readonly to: number;
  readonly endsTransaction: boolean;
  /**
   * The receiver has applied it, and so all before it: durable when this returns, where the receiver has a name. What it
   * releases of the tape is trimmed. Does nothing where more is acknowledged already. Fails with `database-busy`.
   */
  ack(): void;
  /** The receiver has not: the next package, or part of a snapshot, begins after the last acknowledged one again. */
  nack(): void;
}

/** An incoming row change that does not meet the row it was made on. */
export interface StreamConflict {
  readonly mutation: RowMutation;
  /** The row as it is here, by column name; `undefined`: there is none. */
  readonly current: Readonly<Record<string, SqlValue>> | undefined;
  /** Where the change was made. */
  readonly origin: string;
}

/** Options of `createInboundStream`. */
export interface InboundStreamOptions {
  /** The site that sends: its packages only are taken. */
  readonly from: string;
  /**
   * The cursor after which the first package may begin, where nothing of this sender was applied yet: what its outbound
   * stream was opened with. Default 0: it sends a snapshot, or its tape from the start.
   */
  readonly since?: number;
  /**
   * The sender decides on the order of everybody's changes, those made here among them, and says when it has them (a hub).
   * Local changes that it does not have yet are then repeated on top of what comes, so that all its receivers end up the
   * same. The database has no other receivers then, and no other hub. Default false: last applied wins.
   */
  readonly rebase?: boolean;
  /** Applies each package when it comes, also one that ends inside a transaction. Default false: such parts are kept aside. */
  readonly applyParts?: boolean;
  /**
   * Decides over incoming changes of rows that are not as they were when the change was made. Default: the change is applied.
   * To converge, all sites must decide the same. Must be synchronous and free of effects.
   */
  readonly resolveConflict?: (conflict: StreamConflict) => TransformResult;
}

/** What became of a package. */
export interface AppliedPackage {
  /** `parked`: kept, durably, until its transaction is complete. `repeat`: it was here before; nothing was done. */
  readonly status: "applied" | "parked" | "repeat";
  /** The next package is to begin here. Durable. */
  readonly cursor: number;
  /** Row and schema changes that were applied by this call. */
  readonly changes: number;
  /** Whether the sender's tables are those that are here; known where its transaction ends. */
  readonly sameSchema: boolean | undefined;
}

/** How long changes are kept for receivers that have not acknowledged them. */
export interface StreamRetention {
  /** Most changes that are kept. Default 1 000 000. */
  readonly maxChanges?: number;
  /** A receiver that has not acknowledged for longer keeps nothing any more, ms. Default 30 days. */
  readonly maxAgeMs?: number;
}

/** What is known of one receiver. */
export interface StreamPeer {
  readonly name: string;
  /** Cursor up to which it has acknowledged. */
  readonly acknowledged: number;
  /** Cursor up to which packages were made for it. */
  readonly sent: number;
  /** ms since 1970; `undefined`: never. */
  readonly lastAcknowledgedAt: number | undefined;
  /** It has fallen behind what is kept: it needs a snapshot. */
  readonly isBehind: boolean;
}
