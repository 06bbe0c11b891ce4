import type { Duplex } from "node:stream";
import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox, type LiveClock, systemClock } from "@tributary/live";
import { decodeReason, encodeClose, encodeFrame, FrameDecoder, FrameKind } from "../frames.js";

/** Options of {@link createDuplexChannel}. */
export interface DuplexChannelOptions {
  /** A sender is told `full` when this many bytes are waiting to be written. Default 1 MiB. */
  readonly highWaterBytes?: number;
  /** A longer message ends the channel before memory is taken for it, bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** How long an end that was closed waits for the other one to end too, before it cuts the stream off, ms. Default 2000. */
  readonly closeTimeoutMs?: number;
  /** Where time comes from. */
  readonly clock?: LiveClock;
}

/**
 * A channel over a stream of bytes in both directions, such as a TCP or a Unix socket, a TLS connection, or the standard
 * streams of a process (`Duplex.from`). The stream becomes the channel's, which ends it.
 */
export function createDuplexChannel(stream: Duplex, options: DuplexChannelOptions = {}): Channel {
  return new DuplexChannel(stream, options);
}

class DuplexChannel implements Channel {
  readonly #stream: Duplex;
  readonly #inbox = new ChannelInbox();
  readonly #highWaterBytes: number;
  readonly #closeTimeoutMs: number;
  readonly #clock: LiveClock;
  readonly #decoder: FrameDecoder;
  #isFull = false;
  #failure: string | undefined;
  #isEnding = false;

  constructor(stream: Duplex, options: DuplexChannelOptions) {
    const { highWaterBytes = 1 << 20, maxMessageBytes = 16 << 20, closeTimeoutMs = 2_000 } = options;
    this.#stream = stream;
    this.#highWaterBytes = highWaterBytes;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#clock = options.clock ?? systemClock;
    this.#decoder = new FrameDecoder(maxMessageBytes, {
      onFrame: (kind, payload) => this.#onFrame(kind, payload),
      onDamage: (reason) => {
        this.#inbox.end(reason);
        this.#endStream(encodeClose(reason));
      },
    });
    stream.on("error", (error) => {
      this.#failure = error.message;
    });
    stream.on("close", () => this.#inbox.end(this.#failure ?? this.#describeEnd()));
    stream.on("end", () => {
      this.#inbox.end(this.#describeEnd());
      this.#endStream();
    });
    stream.on("drain", () => {
      if (!this.#isFull) return;
      this.#isFull = false;
      this.#inbox.drain();
    });
    if (stream.destroyed) this.#inbox.end("the stream is closed");
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
    // Not before: what nobody takes stays in the stream, and holds the other end back.
    this.#stream.on("data", (bytes: Uint8Array) => this.#decoder.push(bytes));
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded || this.#stream.destroyed || this.#stream.writableEnded) return "closed";
    const hasRoom = this.#stream.write(encodeFrame(FrameKind.message, message));
    if (!hasRoom && this.#stream.writableLength >= this.#highWaterBytes) this.#isFull = true;
    return this.#isFull ? "full" : "sent";
  }

  close(reason = "closed"): void {
    const wasOpen = !this.#inbox.isEnded;
    this.#inbox.close(reason);
    if (wasOpen) this.#endStream(encodeClose(reason));
  }

  #onFrame(kind: FrameKind, payload: Uint8Array): boolean {
    if (kind === FrameKind.message) this.#inbox.push(payload);
    else {
      this.#inbox.end(decodeReason(payload));
      this.#endStream();
    }
    return !this.#inbox.isEnded;
  }

  /**
   * What comes is read on, and thrown away, until the other end ends too: a connection that is closed over unread bytes is
   * reset, and the other end may lose what it was sent. One that neither ends nor takes what it was sent is cut off.
   */
  #endStream(last?: Uint8Array): void {
    if (this.#stream.destroyed || this.#isEnding) return;
    this.#isEnding = true;
    this.#stream.end(last);
    this.#stream.resume();
    const timer = this.#clock.startTimer(this.#closeTimeoutMs, () => this.#stream.destroy());
    this.#stream.once("close", () => timer.cancel());
  }

  #describeEnd(): string {
    return this.#decoder.isInFrame ? "the stream ended in the middle of a message" : "the stream ended";
  }
}
