import type { HranaClientMessage, HranaServerMessage } from "@tributary/wire";
import type { SyncSocket } from "../../src/sockets/sync-socket.js";

type Listener = (event: { readonly data: unknown }) => void;

/** One end of a socket, as a server has it; the test is the other one. */
export class FakeSocket implements SyncSocket {
  readonly protocol: string;
  binaryType = "blob";
  bufferedAmount = 0;
  readonly sent: (string | Uint8Array)[] = [];
  /** How the server has closed it. */
  closed: { code: number | undefined; reason: string | undefined } | undefined;
  readonly #listeners: { readonly type: string; readonly listener: Listener }[] = [];

  constructor(protocol: string) {
    this.protocol = protocol;
  }

  send(data: string | Uint8Array): void {
    if (this.closed !== undefined) throw new Error("sent after close");
    this.sent.push(data);
  }

  close(code?: number, reason?: string): void {
    if (this.closed !== undefined) throw new Error("closed twice");
    if (Buffer.byteLength(reason ?? "") > 123) throw new Error("the reason is too long");
    this.closed = { code, reason };
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push({ type, listener });
  }

  emit(type: "message" | "close" | "error", data?: unknown): void {
    for (const entry of this.#listeners) if (entry.type === type) entry.listener({ data });
  }

  /** What a client sends, as JSON. */
  say(...messages: readonly (HranaClientMessage | Record<string, unknown>)[]): void {
    for (const message of messages) this.emit("message", JSON.stringify(message));
  }

  /** What the server has answered since the last call, as JSON. */
  async heard(): Promise<HranaServerMessage[]> {
    await settle();
    return this.sent.splice(0).map((text) => JSON.parse(text as string) as HranaServerMessage);
  }
}

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
