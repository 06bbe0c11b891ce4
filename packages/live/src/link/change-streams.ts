import type {
  AppliedPackage,
  InboundStreamOptions,
  OutboundPackage,
  OutboundStreamOptions,
  PackagePayload,
} from "@tributary/core";

/** How far the stream of one sender has been applied. */
export interface StreamPosition {
  readonly epoch: number;
  readonly cursor: number;
}

/** Where packages come from: `OutboundStream` of core, as a link uses it. */
export interface LinkOutbound {
  /** The next package; `undefined` when there is nothing now. */
  next(): OutboundPackage | undefined;
  /** The receiver says that it has all up to here: goes on from there. Throws `SyncError` `stream-behind`, `stream-restarted`. */
  resume(position: StreamPosition | undefined): void;
  close(): void;
}

/** Where packages go: `InboundStream` of core, as a link uses it. */
export interface LinkInbound {
  apply(payload: PackagePayload): AppliedPackage;
  /** What was applied last; `undefined` before the first package. */
  readonly position: StreamPosition | undefined;
}

/** A database with change streams: a captured database, or a replica. */
export interface ChangeStreams {
  /** Names this database to its peers: the origin of what is changed here. */
  readonly site: string;
  createOutboundStream(options?: OutboundStreamOptions): LinkOutbound & { readonly position: unknown };
  createInboundStream(options: InboundStreamOptions): LinkInbound;
  /** Called after each commit that may have put something on the tape, whoever made it. Gives the function that ends it. */
  onCommit(listener: () => void): () => void;
  /** Called once, after this call, when the database is closed, or is already, and its streams fail with `invalid-state`. Gives the function that ends it. */
  onClose(listener: () => void): () => void;
}
