import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox, type LiveClock, type LiveTimer } from "@tributary/live";
import { encodeClose, encodeFrame, FrameKind } from "../frames.js";
import { BatchSender, type BatchSenderOptions } from "./batch-sender.js";
import type { EventReader } from "./event-reader.js";
import type { OpenEvent, StreamEvent } from "./event-stream-format.js";

export interface EventStreamChannelOptions {
  readonly opened: OpenEvent;
  readonly events: EventReader;
  readonly sending: Pick<BatchSenderOptions, "post" | "highWaterBytes" | "timeoutMs" | "attempts">;
  readonly maxMessageBytes: number;
  readonly closeTimeoutMs: number;
  readonly clock: LiveClock;
}

/** A request holds no more than this, or one message, bytes. */
const MAX_BATCH_BYTES = 1 << 20;

/** The client's end of a channel over server-sent events. */
export class EventStreamChannel implements Channel {
  readonly #options: EventStreamChannelOptions;
  readonly #inbox = new ChannelInbox();
  readonly #sender: BatchSender;
  #timer: LiveTimer | undefined;
  #heardAt: number;
  #isReading = false;
  /** The server has ended the channel; what it sent before is still coming. */
  #isGone = false;

  constructor(options: EventStreamChannelOptions) {
    const { opened, sending, clock } = options;
    this.#options = options;
    this.#heardAt = clock.now();
    this.#sender = new BatchSender({
      ...sending,
      clock,
      session: opened.session,
      maxBatchBytes: Math.min(MAX_BATCH_BYTES, opened.maxMessageBytes),
      onDrain: () => this.#inbox.drain(),
      onFailure: (reason, isGone) => (isGone ? this.#awaitEnd(reason) : this.#end(reason)),
    });
    this.#lookLater();
  }

  listen(events: ChannelEvents): void {
    this.#inbox.listen(events);
    if (this.#isReading || this.#inbox.isEnded) return;
    this.#isReading = true;
    this.#heardAt = this.#options.clock.now();
    // Not before: what nobody reads stays in the network, and holds the server back.
    void this.#read();
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded || this.#isGone) return "closed";
    const { maxMessageBytes } = this.#options.opened;
    if (message.length > maxMessageBytes) {
      this.#end(`a message of ${message.length} bytes is longer than the server takes`);
      return "closed";
    }
    return this.#sender.add(encodeFrame(FrameKind.message, message));
  }

  close(reason = "closed"): void {
    const wasOpen = !this.#inbox.isEnded;
    this.#inbox.close(reason);
    if (!wasOpen) return;
    this.#timer?.cancel();
    if (this.#isGone) {
      this.#letGo();
      return;
    }
    this.#sender.add(encodeClose(reason));
    const { clock, closeTimeoutMs } = this.#options;
    const timer = clock.startTimer(closeTimeoutMs, () => this.#letGo());
    void this.#sender.flush().finally(() => {
      timer.cancel();
      this.#letGo();
    });
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    try {
      for (;;) {
        const events = await this.#options.events.next();
        if (events === undefined) break;
        this.#heardAt = this.#options.clock.now();
        for (const event of events) this.#take(event);
      }
      this.#end("the server has ended the stream");
    } catch (error) {
      this.#end(
        error instanceof Error ? `the connection was lost: ${error.message}` : "the connection was lost",
      );
    }
  }

  #take({ name, data }: StreamEvent): void {
    if (this.#inbox.isEnded) return;
    if (name === "") {
      const bytes = Buffer.from(data, "base64");
      // What is not base64 is left out by it.
      if (data.length % 4 !== 0 || bytes.length !== Buffer.byteLength(data, "base64"))
        this.close("an event of the server's is no message");
      else if (bytes.length > this.#options.maxMessageBytes)
        this.close(`a message of ${bytes.length} bytes is too long`);
      else this.#inbox.push(new Uint8Array(bytes));
    } else if (name === "close") {
      const reason: unknown = JSON.parse(data);
      this.#end(typeof reason === "string" && reason !== "" ? reason : "the server has closed the channel");
    }
  }

  /** Says something before the server takes this end for gone, and finds out whether that one is. */
  #lookLater(): void {
    const { clock, opened } = this.#options;
    const interval = opened.idleTimeoutMs / 3;
    this.#timer = clock.startTimer(interval, () => {
      if (this.#isReading && clock.now() - this.#heardAt >= opened.idleTimeoutMs) {
        this.#end("the server is silent");
        return;
      }
      if (clock.now() - this.#sender.lastSentAt >= interval) void this.#sender.flush();
      this.#lookLater();
    });
  }

  /** The last messages and the reason may come after the answer that there is no such channel; they need not come. */
  #awaitEnd(reason: string): void {
    if (this.#inbox.isEnded) return;
    const { clock, closeTimeoutMs } = this.#options;
    this.#isGone = true;
    this.#timer?.cancel();
    this.#timer = clock.startTimer(closeTimeoutMs, () => this.#end(reason));
  }

  #end(reason: string): void {
    if (this.#inbox.isEnded) return;
    this.#inbox.end(reason);
    this.#letGo();
  }

  #letGo(): void {
    this.#timer?.cancel();
    this.#sender.stop();
    this.#options.events.cancel();
  }
}
