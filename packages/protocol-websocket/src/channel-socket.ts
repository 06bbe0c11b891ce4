/** Whatever event the library has: what is read of it is checked. */
type Listener = (event: object) => void;

/** The events of a socket, in the manner of browsers. `ws` has them too. */
export interface SocketEventTarget {
  addEventListener(type: "message", listener: Listener): void;
  addEventListener(type: "close", listener: Listener): void;
  addEventListener(type: "error", listener: Listener): void;
}

/** The events of a socket, in the manner of Node. */
export interface SocketEventEmitter {
  on(type: "message", listener: (data: unknown, isBinary?: unknown) => void): unknown;
  on(type: "close", listener: (code?: unknown, reason?: unknown) => void): unknown;
  on(type: "error", listener: (error?: unknown) => void): unknown;
}

/** A WebSocket that is open, of whatever library. */
export type ChannelSocket = (SocketEventTarget | SocketEventEmitter) & {
  send(data: Uint8Array): unknown;
  close(code?: number, reason?: string): unknown;
  /** Set to `arraybuffer` where it is there. */
  binaryType?: string;
  /** Bytes that are waiting to be sent. Without it a sender is never told to wait. */
  readonly bufferedAmount?: number;
  /** 1: open, as browsers number it. */
  readonly readyState?: number;
  /** Stops reading; where it is there with `resume`, messages wait in the network until somebody listens. */
  pause?(): unknown;
  resume?(): unknown;
};

/** What is to be heard of a socket. */
export interface SocketListeners {
  /** `undefined`: a text message. */
  onMessage(bytes: Uint8Array | undefined): void;
  onClose(reason: string): void;
  onError(reason: string): void;
}

/** Listens to a socket, whichever manner it has. */
export function listenToSocket(socket: ChannelSocket, listeners: SocketListeners): void {
  if ("addEventListener" in socket) {
    socket.addEventListener("message", ({ data }: { readonly data?: unknown }) =>
      listeners.onMessage(toBytes(data)),
    );
    socket.addEventListener(
      "close",
      ({ code, reason }: { readonly code?: unknown; readonly reason?: unknown }) =>
        listeners.onClose(describeClose(code, reason)),
    );
    socket.addEventListener("error", ({ message }: { readonly message?: unknown }) =>
      listeners.onError(textOf(message)),
    );
    return;
  }
  socket.on("message", (data, isBinary) => {
    listeners.onMessage(isBinary === false ? undefined : toBytes(data));
  });
  socket.on("close", (code, reason) => listeners.onClose(describeClose(code, reason)));
  socket.on("error", (error) => listeners.onError(error instanceof Error ? error.message : textOf(error)));
}

/** A binary message of a socket, in whatever form it comes; `undefined`: it is none, or one that cannot be read at once. */
export function toBytes(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  // The `fragments` of ws.
  if (Array.isArray(data) && data.every((part) => part instanceof Uint8Array)) return Buffer.concat(data);
  return undefined;
}

function describeClose(code: unknown, reason: unknown): string {
  const text = reason instanceof Uint8Array ? new TextDecoder().decode(reason) : textOf(reason);
  if (text !== "") return text;
  if (code === 1006) return "the connection was lost";
  return typeof code === "number" && code !== 1000 && code !== 1005
    ? `the socket was closed with code ${code}`
    : "the other end has closed the socket";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
