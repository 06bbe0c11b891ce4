import type { PushAnswer } from "@tributary/wire";
import type { MergeFrames } from "./merge-work.js";

/** Which replica asks: what is known of it from its URL and its token. */
export interface OfflineClient {
  /** The name of its device; undefined: it is not known, and served in strict mode. */
  readonly device: string | undefined;
  readonly mayWrite: boolean;
}

/** A range of frames as clients name it: from 1, the end exclusive. */
export interface FrameRange {
  readonly generation: number;
  readonly start: number;
  readonly end: number;
}

/** What a pull brings: frames back to back, the last one the end of a transaction, or that there are no more in this generation. */
export type PulledFrames =
  | { readonly type: "frames"; readonly body: Uint8Array }
  | { readonly type: "end"; readonly generation: number };

/** The offline replicas of one database, as their protocol sees them. Calls for one branch are carried out in their order. */
export interface OfflineReplicas {
  /** The generation that a new replica is to begin with. */
  info(client: OfflineClient): Promise<number>;
  /** The image at the start of a generation, as it is or is made now. Throws `RequestError` 404, 429 (too many replicas). */
  openImage(
    client: OfflineClient,
    generation: number,
  ): Promise<{ readonly length: number; readonly body: ReadableStream<Uint8Array> }>;
  /** Throws `RequestError` 404 where the generation is nobody's. */
  pull(client: OfflineClient, range: FrameRange): Promise<PulledFrames>;
  /** What is acknowledged with the end of a transaction is merged and on the disk. Throws `RequestError`. */
  push(
    client: OfflineClient,
    range: FrameRange,
    push: { readonly baton: string | undefined; readonly body: Uint8Array; readonly merge: MergeFrames },
  ): Promise<PushAnswer>;
  close(): void;
}
