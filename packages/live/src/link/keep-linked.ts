import { type Channel, SyncError, type SyncErrorCode } from "@tributary/core";
import { Backoff } from "../client/backoff.js";
import type { Connect } from "../connect.js";
import { type LiveClock, type LiveTimer, systemClock } from "../live-clock.js";
import { type LinkPosition, linkStreams, type StreamLink, type StreamLinkOptions } from "./stream-link.js";

/** Failures that may be over the next time. All others need somebody to do something first. */
const PASSING: ReadonlySet<SyncErrorCode> = new Set([
  "unreachable",
  "timeout",
  "paused",
  "aborted",
  "database-busy",
  "io-failed",
]);

/** What a kept link is doing. */
export type KeptLinkStatus =
  | { readonly state: "connecting" }
  /** The peer has said who it is, and packages go both ways. */
  | { readonly state: "linked"; readonly peer: string }
  /** It tries again by itself. */
  | { readonly state: "waiting"; readonly error: Error; readonly retryInMs: number }
  /** It does not: trying again would fail the same way, until `retry()` is called. */
  | { readonly state: "stopped"; readonly error: Error }
  | { readonly state: "closed" };

/** Options of {@link keepLinked}. */
export interface KeepLinkedOptions extends Omit<StreamLinkOptions, "onClose"> {
  /** Longest wait between two tries, ms; a random part of it is taken off. Default 30 000. */
  readonly maxRetryMs?: number;
  /** Called when the status has changed. Must not throw. */
  readonly onStatus?: (status: KeptLinkStatus) => void;
}

/** A stream link that is made again whenever it breaks. */
export interface KeptLink {
  readonly status: KeptLinkStatus;
  /** That of the link that is, or was last. */
  readonly position: LinkPosition;
  /**
   * Resolves when all that was committed here before the call is acknowledged, over however many links that takes. Rejects
   * when the link is stopped or closed.
   */
  flush(): Promise<void>;
  /** Tries at once where it waits or has stopped: the network is back, the cause is mended. */
  retry(): void;
  /** Ends it for good. */
  close(): void;
}

/**
 * Keeps two databases in step over channels that come and go: connects, links, resumes where the acknowledgements stood,
 * and waits longer after each failure in a row. Throws `SyncError` `invalid-option`.
 */
export function keepLinked(connect: Connect, options: KeepLinkedOptions): KeptLink {
  return new KeptSession(connect, options);
}

const NOWHERE: LinkPosition = { peer: undefined, sent: 0, acknowledged: 0, applied: 0, snapshots: 0 };

interface Flush {
  resolve(): void;
  reject(error: unknown): void;
}

class KeptSession implements KeptLink {
  readonly #connect: Connect;
  readonly #options: KeepLinkedOptions;
  readonly #clock: LiveClock;
  readonly #backoff: Backoff;
  readonly #maxRetryMs: number;
  readonly #flushes = new Set<Flush>();
  #status: KeptLinkStatus = { state: "connecting" };
  /** Where the last link ended. */
  #position = NOWHERE;
  #startedAt = 0;
  #link: StreamLink | undefined;
  #timer: LiveTimer | undefined;
  #abort: AbortController | undefined;

  constructor(connect: Connect, options: KeepLinkedOptions) {
    const { clock = systemClock, maxRetryMs = 30_000 } = options;
    this.#connect = connect;
    this.#options = options;
    this.#clock = clock;
    this.#maxRetryMs = maxRetryMs;
    this.#backoff = new Backoff({ clock, minMs: Math.min(200, maxRetryMs), maxMs: maxRetryMs });
    void this.#try();
  }

  get status(): KeptLinkStatus {
    return this.#status;
  }

  get position(): LinkPosition {
    return this.#link?.position ?? this.#position;
  }

  flush(): Promise<void> {
    const { state } = this.#status;
    if (state === "closed" || state === "stopped") {
      return Promise.reject(new SyncError("invalid-state", `The stream link is ${state}.`));
    }
    return new Promise((resolve, reject) => {
      const flush = { resolve, reject };
      this.#flushes.add(flush);
      this.#flushOver(this.#link, flush);
    });
  }

  retry(): void {
    if (this.#status.state !== "waiting" && this.#status.state !== "stopped") return;
    this.#timer?.cancel();
    void this.#try();
  }

  close(): void {
    if (this.#status.state === "closed") return;
    this.#tell({ state: "closed" });
    this.#timer?.cancel();
    this.#abort?.abort();
    this.#link?.close();
    this.#rejectFlushes(new SyncError("aborted", "The stream link was closed."));
  }

  async #try(): Promise<void> {
    this.#tell({ state: "connecting" });
    const abort = new AbortController();
    this.#abort = abort;
    let channel: Channel;
    try {
      channel = await this.#connect(abort.signal);
    } catch (error) {
      this.#onEnd(error);
      return;
    }
    // It was closed meanwhile.
    if (abort.signal.aborted) channel.close("closed");
    else this.#start(channel);
  }

  #start(channel: Channel): void {
    const { onPeer } = this.#options;
    this.#startedAt = this.#clock.now();
    try {
      this.#link = linkStreams(channel, {
        ...this.#options,
        onPeer: (peer) => {
          onPeer?.(peer);
          this.#tell({ state: "linked", peer });
        },
        onClose: (error) =>
          this.#onEnd(error ?? new SyncError("unreachable", "The peer has ended the link.")),
      });
    } catch (error) {
      channel.close("cannot be linked");
      this.#onEnd(error);
      return;
    }
    for (const flush of this.#flushes) this.#flushOver(this.#link, flush);
  }

  #flushOver(link: StreamLink | undefined, flush: Flush): void {
    link?.flush().then(
      () => {
        this.#flushes.delete(flush);
        flush.resolve();
      },
      // The next link takes it over, or it is rejected with the reason why there is none.
      () => {},
    );
  }

  #onEnd(cause: unknown): void {
    if (this.#link !== undefined) this.#judge(this.#link.position);
    this.#link = undefined;
    if (this.#status.state === "closed") return;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    if (!(error instanceof SyncError && PASSING.has(error.code))) {
      this.#tell({ state: "stopped", error });
      this.#rejectFlushes(error);
      return;
    }
    const retryInMs = this.#backoff.next();
    this.#timer = this.#clock.startTimer(retryInMs, () => void this.#try());
    this.#tell({ state: "waiting", error, retryInMs });
  }

  /** A link that broke before anything had moved has not worked, unless it lasted. */
  #judge(position: LinkPosition): void {
    const { applied, acknowledged } = this.#position;
    const hasMoved = position.applied > applied || position.acknowledged > acknowledged;
    if (hasMoved || this.#clock.now() - this.#startedAt >= this.#maxRetryMs) this.#backoff.reset();
    this.#position = position;
  }

  #rejectFlushes(error: Error): void {
    for (const flush of this.#flushes) flush.reject(error);
    this.#flushes.clear();
  }

  #tell(status: KeptLinkStatus): void {
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}
