import type { PushAnswer } from "@tributary/wire";
import type { PulledBody } from "../http/pulled-body.js";
import type { MergeFrames } from "./merge-work.js";

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

/** What comes with frames that are pushed. */
export interface Push {
  /** Of the answer to the batch before, if it had one. */
  readonly baton: string | undefined;
  /** As many frames as the range says. */
  readonly body: Uint8Array;
  readonly merge: MergeFrames;
}

/**
 * The offline replicas of one database, as their protocol sees them. Calls for one branch are carried out in their order. Who
 * may write has been found out before.
 */
export interface OfflineReplicas {
  /** The generation that a new replica is to begin with. `device`: the name of its device; undefined: strict mode. */
  info(device: string | undefined): Promise<number>;
  /**
   * The image at the start of a generation, as it is or is made now. `onEnd` is called once, when it is not read any more.
   * Throws `RequestError` 404, 429 (too many replicas).
   */
  openImage(
    device: string | undefined,
    generation: number,
    onEnd: () => void,
  ): Promise<{ readonly length: number; readonly body: PulledBody }>;
  /** Throws `RequestError` 404 where the generation is nobody's. */
  pull(range: FrameRange): Promise<PulledFrames>;
  /** What is acknowledged with the end of a transaction is merged and on the disk. Throws `RequestError`, `ServerError`. */
  push(range: FrameRange, push: Push): Promise<PushAnswer>;
  close(): void;
}
