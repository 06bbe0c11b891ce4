import type { IncomingMessage } from "node:http";
import type { RequestBody } from "./http-request.js";

/** How long, and how much of it, a body is taken that nobody reads. */
const DISCARD_MS = 500;
const DISCARD_BYTES = 64 * 1024 * 1024;

/** The body of a request of `node:http`: what is not asked for waits at the client. */
export class NodeBody implements RequestBody {
  readonly #message: IncomingMessage;
  /** Bytes that are still to be read; NaN where that was not said. */
  #left: number;

  constructor(message: IncomingMessage) {
    this.#message = message;
    this.#left = Number(message.headers["content-length"]);
  }

  next(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const message = this.#message;
    // Node tells of the end a turn later: most bodies have come with their header, and nobody need wait.
    if (this.#left === 0) return undefined;
    const piece = message.read() as Buffer | null;
    if (piece !== null) {
      this.#left -= piece.length;
      return piece;
    }
    if (message.complete) return undefined;
    if (message.destroyed) throw message.errored ?? new Error("the connection was closed");
    return this.#whenMoved().then(() => this.next());
  }

  cancel(): void {
    // What still comes is dealt with when the answer has been sent.
  }

  /**
   * To be called when the answer has been sent: takes what was not read, so that the connection can be used again, and cuts it
   * off where that is too much.
   */
  discard(): void {
    const message = this.#message;
    if (message.readableEnded || message.destroyed) return;
    message.resume();
    if (message.complete || this.#left === 0) return;
    let length = 0;
    const cutOff = (): void => message.socket.destroySoon();
    const timer = setTimeout(cutOff, DISCARD_MS);
    message.on("data", (piece: Buffer) => {
      length += piece.length;
      if (length > DISCARD_BYTES) cutOff();
    });
    message.once("close", () => clearTimeout(timer));
  }

  /** Resolves when there is something to read, or nothing more comes. */
  #whenMoved(): Promise<void> {
    const message = this.#message;
    return new Promise((resolve) => {
      const settle = (): void => {
        message.off("readable", settle).off("end", settle).off("close", settle).off("error", settle);
        resolve();
      };
      message.on("readable", settle).on("end", settle).on("close", settle).on("error", settle);
    });
  }
}
