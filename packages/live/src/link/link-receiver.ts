import { type InboundStreamOptions, SyncError } from "@tributary/core";
import type { LiveClock } from "../live-clock.js";
import type { ChangeStreams, LinkInbound, StreamPosition } from "./change-streams.js";
import { hasCode } from "./link-failure.js";
import type { LinkMessage } from "./link-messages.js";
import { RetryTimer } from "./retry-timer.js";

/** What is kept while the database is busy; what comes above it is dropped, and sent again. */
const MAX_QUEUED_PACKAGES = 16;
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;
/** A package is damaged on its way now and then, not every time. */
const MAX_DAMAGED = 3;

/** What a receiver needs of the link that it is part of. */
export interface LinkReceiverOptions {
  readonly streams: ChangeStreams;
  readonly stream: Omit<InboundStreamOptions, "from">;
  readonly maxPackageBytes: number;
  readonly clock: LiveClock;
  send(message: LinkMessage): void;
  onProgress(): void;
  /** The link is over. */
  fail(error: unknown): void;
}

/** The receiving half of a link: puts packages together, applies them in the order in which they come, and answers each. */
export class LinkReceiver {
  readonly #options: LinkReceiverOptions;
  readonly #retry: RetryTimer;
  #inbound: LinkInbound | undefined;
  /** A package of several messages, in a buffer that grows: small pieces take no more memory than large ones. */
  #pieces: { readonly seq: number; bytes: Uint8Array; length: number } | undefined;
  readonly #queue: { readonly seq: number; readonly payload: Uint8Array }[] = [];
  #queuedBytes = 0;
  #damaged = 0;
  #isClosed = false;
  /** What was applied last. */
  position: StreamPosition | undefined;

  constructor(options: LinkReceiverOptions) {
    this.#options = options;
    this.#retry = new RetryTimer(options.clock, () => this.#applyQueued());
  }

  /** Begins to take what a site sends. Throws, `database-busy` among others, as an inbound stream does. */
  start(peer: string): void {
    const inbound = this.#options.streams.createInboundStream({ ...this.#options.stream, from: peer });
    this.position = inbound.position;
    this.#inbound = inbound;
  }

  onPackage(message: Extract<LinkMessage, { type: "package" }>): void {
    // Before the greeting nobody knows whose package this is; it is sent again.
    if (this.#inbound === undefined) return;
    const payload = this.#complete(message);
    if (payload === undefined) return;
    const isTooMuch =
      this.#queue.length >= MAX_QUEUED_PACKAGES ||
      (this.#queue.length > 0 && this.#queuedBytes + payload.length > MAX_QUEUED_BYTES);
    if (isTooMuch) return;
    this.#queue.push({ seq: message.seq, payload });
    this.#queuedBytes += payload.length;
    this.#applyQueued();
  }

  close(): void {
    this.#isClosed = true;
    this.#retry.cancel();
    this.#pieces = undefined;
    this.#queue.length = 0;
  }

  #complete(message: Extract<LinkMessage, { type: "package" }>): Uint8Array | undefined {
    const { seq, offset, bytes, isLast } = message;
    const { maxPackageBytes } = this.#options;
    if (offset === 0) this.#pieces = { seq, bytes: new Uint8Array(0), length: 0 };
    const pieces = this.#pieces;
    // A piece is missing, or was doubled: the package is sent again.
    if (pieces?.seq !== seq || pieces.length !== offset) return undefined;
    const length = offset + bytes.length;
    if (length > maxPackageBytes) {
      const message = `A package has more than ${maxPackageBytes} bytes.`;
      this.#options.fail(new SyncError("remote-rejected", message));
      return undefined;
    }
    if (offset === 0 && isLast) {
      this.#pieces = undefined;
      return bytes;
    }
    if (length > pieces.bytes.length) {
      const grown = new Uint8Array(Math.min(Math.max(2 * pieces.bytes.length, length), maxPackageBytes));
      grown.set(pieces.bytes.subarray(0, offset));
      pieces.bytes = grown;
    }
    pieces.bytes.set(bytes, offset);
    pieces.length = length;
    if (!isLast) {
      this.#options.send({ type: "wait", seq });
      return undefined;
    }
    this.#pieces = undefined;
    return pieces.bytes.subarray(0, length);
  }

  #applyQueued(): void {
    if (this.#retry.isRunning) return;
    for (let next = this.#queue[0]; next !== undefined && !this.#isClosed; next = this.#queue[0]) {
      const { seq, payload } = next;
      try {
        this.#apply(seq, payload);
      } catch (error) {
        if (!hasCode(error, "database-busy")) {
          this.#options.fail(error);
          return;
        }
        // It stays first in the queue.
        this.#options.send({ type: "wait", seq });
        this.#retry.start();
        return;
      }
      this.#retry.succeeded();
      this.#queue.shift();
      this.#queuedBytes -= payload.length;
    }
  }

  #apply(seq: number, payload: Uint8Array): void {
    const inbound = this.#inbound as LinkInbound;
    try {
      inbound.apply(payload);
    } catch (error) {
      if (hasCode(error, "damaged-package") && ++this.#damaged > MAX_DAMAGED) throw error;
      if (!hasCode(error, "stream-gap") && !hasCode(error, "damaged-package")) throw error;
      this.#options.send({ type: "nack", seq, position: inbound.position, code: error.code });
      return;
    }
    this.#damaged = 0;
    this.position = inbound.position;
    this.#options.send({ type: "ack", seq, position: this.position });
    this.#options.onProgress();
  }
}
