/**
 * A WebSocket that is open, of whatever library: `ws` and the WebSocket of browsers have this shape. Set its
 * `binaryType` to `arraybuffer`; binary messages may come as `ArrayBuffer` or `Uint8Array`.
 */
export interface SyncSocket {
  /** The subprotocol that was agreed on; empty if none was. */
  readonly protocol: string;
  binaryType?: string;
  /** Bytes that are waiting to be sent. */
  readonly bufferedAmount: number;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close" | "error", listener: () => void): void;
}
