import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { SyncSocket } from "./sync-socket.js";

/** Longer messages are sent in frames of this length, bytes. */
const MAX_FRAME_BYTES = 256 * 1024;

/**
 * A socket of `ws`. Messages that are sent at the same moment go to the network together, by one system call. It sends long
 * messages in several frames: `bufferedAmount` falls while a slow client reads one, and pings get through between.
 */
export class WsSyncSocket implements SyncSocket {
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  #isGathering = false;

  /** `connection`: what the socket runs over. */
  constructor(socket: WebSocket, connection: Duplex) {
    this.#socket = socket;
    this.#connection = connection;
    socket.binaryType = "arraybuffer";
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(data: string | Uint8Array): void {
    this.#gather();
    const binary = typeof data !== "string";
    if (data.length * (binary ? 1 : 3) <= MAX_FRAME_BYTES) {
      this.#socket.send(data);
      return;
    }
    const bytes = binary ? data : Buffer.from(data);
    for (let offset = 0; offset < bytes.length; offset += MAX_FRAME_BYTES) {
      const end = offset + MAX_FRAME_BYTES;
      this.#socket.send(bytes.subarray(offset, end), { binary, fin: end >= bytes.length });
    }
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  /** Until the code that runs has come to its end. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#connection.cork();
    queueMicrotask(() => {
      this.#isGathering = false;
      this.#connection.uncork();
    });
  }

  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close" | "error", listener: () => void): void;
  addEventListener(
    type: "message" | "close" | "error",
    listener: (event: { readonly data: unknown }) => void,
  ): void {
    if (type === "message") this.#socket.addEventListener(type, listener);
    else this.#socket.addEventListener(type, () => listener({ data: undefined }));
  }
}
