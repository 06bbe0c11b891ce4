import type { Channel, ChannelEvents, SendOutcome } from "@tributary/core";
import { ChannelInbox, weightOf } from "@tributary/live";
import { type ChannelPort, listenToPort } from "./channel-port.js";

/** A sender is told `full` when this much was sent that the other end has not taken, bytes. */
const HIGH_WATER_BYTES = 1 << 20;
/** The other end says so each time that it has taken this much: far less than half of the above, bytes. */
const ACKNOWLEDGED_BYTES = 64 * 1024;

/**
 * A channel over a port that is nobody else's. Both ends have to be made by this function: a message is a Uint8Array, what
 * was taken of them a number of bytes, the end a string with the reason. Ports of browsers, and workers that end, do not
 * tell that they are gone: who needs to know, asks (the live protocol does).
 */
export function createPortChannel(port: ChannelPort): Channel {
  return new PortChannel(port);
}

class PortChannel implements Channel {
  readonly #port: ChannelPort;
  readonly #inbox = new ChannelInbox({ onTaken: (message) => this.#acknowledge(weightOf(message)) });
  readonly #detaching: (() => void)[];
  #isListening = false;
  #sentBytes = 0;
  #takenBytes = 0;
  #isFull = false;

  constructor(port: ChannelPort) {
    this.#port = port;
    const onGone = (): void => this.#end("the port is gone");
    // Of a MessagePort of Node's, and of a Worker of Node's.
    this.#detaching = ["close", "exit"].map((type) => listenToPort(port, type, onGone));
    this.#detaching.push(
      listenToPort(port, "message", (data) => this.#receive(data)),
      // What could not be taken over is lost: what follows must not come without it.
      listenToPort(port, "messageerror", () => this.close("a message could not be read")),
    );
    port.start?.();
  }

  listen(events: ChannelEvents): void {
    this.#isListening = true;
    this.#inbox.listen(events);
  }

  send(message: Uint8Array): SendOutcome {
    if (this.#inbox.isEnded) return "closed";
    // A clone of a part would take the whole buffer along; a copy can be handed over. Not `slice`: a Buffer's is no copy.
    const copy = new Uint8Array(message);
    this.#port.postMessage(copy, [copy.buffer]);
    this.#sentBytes += weightOf(message);
    if (this.#sentBytes >= HIGH_WATER_BYTES) this.#isFull = true;
    return this.#isFull ? "full" : "sent";
  }

  close(reason = "closed"): void {
    const wasOpen = !this.#inbox.isEnded;
    this.#inbox.close(reason);
    if (!wasOpen) return;
    this.#port.postMessage(reason, []);
    this.#letGo();
  }

  #receive(data: unknown): void {
    if (this.#inbox.isEnded) return;
    if (data instanceof Uint8Array) this.#inbox.push(data);
    else if (typeof data === "number" && data >= 0 && data <= this.#sentBytes) this.#afterTaking(data);
    else if (typeof data === "string") this.#end(data === "" ? "the other end has closed the channel" : data);
    else this.close("a message is not the channel's");
  }

  /** Called for each message that is delivered. */
  #acknowledge(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes < ACKNOWLEDGED_BYTES || this.#inbox.isEnded || !this.#isListening) return;
    this.#port.postMessage(this.#takenBytes, []);
    this.#takenBytes = 0;
  }

  #afterTaking(bytes: number): void {
    this.#sentBytes -= bytes;
    if (!this.#isFull || this.#sentBytes > HIGH_WATER_BYTES / 2) return;
    this.#isFull = false;
    this.#inbox.drain();
  }

  #end(reason: string): void {
    this.#inbox.end(reason);
    this.#letGo();
  }

  /** A port that is listened to keeps a process alive. */
  #letGo(): void {
    for (const detach of this.#detaching) detach();
    // Only a MessagePort: the `close` of a worker's scope ends the worker.
    if (this.#port.start !== undefined) this.#port.close?.();
  }
}
