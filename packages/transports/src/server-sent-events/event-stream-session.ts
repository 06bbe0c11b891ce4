import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox, type LiveClock, type LiveTimer } from "@tributary/live";
import { decodeReason, FrameDecoder, FrameKind } from "../frames.js";
import { encodeEvent, KEEP_ALIVE } from "./event-stream-format.js";

/** A client that tries again while an earlier request still waits may have so many at once. */
const MAX_REQUESTS = 4;

export interface SessionOptions {
  readonly id: string;
  readonly maxMessageBytes: number;
  readonly highWaterBytes: number;
  readonly idleTimeoutMs: number;
  readonly clock: LiveClock;
  /** Called once. */
  readonly onEnd: () => void;
}

/** What is answered to a request with messages. */
export type BatchOutcome = "taken" | "gone" | "gap" | "damaged";

/** The server's end of a channel: events go down one response, messages come up in requests. */
export class EventStreamSession implements Channel {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: SessionOptions;
  readonly #inbox = new ChannelInbox();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isFull = false;
  /** Number of the next message that is to come. */
  #next = 1;
  #requests = 0;
  #heardAt: number;
  #timer: LiveTimer | undefined;
  readonly #over = new AbortController();
  readonly #listening: Promise<void>;
  #stopWaiting!: () => void;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#listening = new Promise((resolve) => {
      this.#stopWaiting = resolve;
    });
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#onRoom(),
        cancel: () => this.#end("the client is gone"),
      },
      { highWaterMark: options.highWaterBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    );
    const { id, idleTimeoutMs, maxMessageBytes } = options;
    this.#write("open", JSON.stringify({ session: id, idleTimeoutMs, maxMessageBytes }));
    this.#heardAt = options.clock.now();
    this.#lookLater();
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
    this.#stopWaiting();
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded) return "closed";
    const { buffer, byteOffset, byteLength } = message;
    this.#write("", Buffer.from(buffer, byteOffset, byteLength).toString("base64"));
    if ((this.#controller.desiredSize ?? 0) <= 0) this.#isFull = true;
    return this.#isFull ? "full" : "sent";
  }

  close(reason = "closed"): void {
    const wasOpen = !this.#inbox.isEnded;
    this.#inbox.close(reason);
    if (!wasOpen) return;
    this.#write("close", JSON.stringify(reason));
    this.#closeBody();
    this.#letGo();
  }

  /** The client has sent something of a request. */
  hear(): void {
    this.#heardAt = this.#options.clock.now();
  }

  /** Fires when the channel has ended: nobody wants what a request still brings. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** False: there are too many already. Else `endRequest` is to be called when it is answered. */
  beginRequest(): boolean {
    if (this.#requests >= MAX_REQUESTS) return false;
    this.#requests++;
    return true;
  }

  endRequest(): void {
    this.#requests--;
  }

  /** Messages from number `first` on. Those that came before are left out: their answer was lost, not they. */
  async take(first: number, bytes: Uint8Array): Promise<BatchOutcome> {
    // What nobody takes is not answered, which holds the client back.
    await this.#listening;
    if (this.#inbox.isEnded) return "gone";
    if (first > this.#next) return "gap";
    const frames = decodeAll(bytes, this.#options.maxMessageBytes);
    if (frames === undefined) {
      this.close("what came are no frames");
      return "damaged";
    }
    for (const { kind, payload } of frames.slice(this.#next - first)) {
      this.#next++;
      if (kind === FrameKind.message) this.#inbox.push(payload);
      else this.#endByClient(decodeReason(payload));
    }
    return "taken";
  }

  #endByClient(reason: string): void {
    if (this.#inbox.isEnded) return;
    this.#closeBody();
    this.#end(reason);
  }

  #onRoom(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#inbox.drain();
  }

  #lookLater(): void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#timer = clock.startTimer(idleTimeoutMs / 3, () => {
      if (clock.now() - this.#heardAt >= idleTimeoutMs) {
        this.#closeBody();
        this.#end("the client is silent");
        return;
      }
      if ((this.#controller.desiredSize ?? 0) > 0) this.#controller.enqueue(KEEP_ALIVE);
      this.#lookLater();
    });
  }

  #write(name: string, data: string): void {
    this.#controller.enqueue(encodeEvent({ name, data }));
  }

  /** What is in it already may still be read, but not for ever: it is counted nowhere any more. */
  #closeBody(): void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#controller.close();
    // Does nothing to one that was read to its end.
    clock.startTimer(idleTimeoutMs, () => this.#controller.error(new Error("the client does not read")));
  }

  #end(reason: string): void {
    if (this.#inbox.isEnded) return;
    this.#inbox.end(reason);
    this.#letGo();
  }

  #letGo(): void {
    this.#timer?.cancel();
    this.#stopWaiting();
    this.#over.abort();
    this.#options.onEnd();
  }
}

interface Frame {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

/** `undefined`: they are no frames, or not whole. */
function decodeAll(bytes: Uint8Array, maxMessageBytes: number): readonly Frame[] | undefined {
  const frames: Frame[] = [];
  let isDamaged = false;
  const decoder = new FrameDecoder(maxMessageBytes, {
    onFrame: (kind, payload) => frames.push({ kind, payload }) > 0,
    onDamage: () => {
      isDamaged = true;
    },
  });
  decoder.push(bytes);
  return isDamaged || decoder.isInFrame ? undefined : frames;
}
