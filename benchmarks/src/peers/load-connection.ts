import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type HttpResponse, readHttpResponse } from "./http-response.js";

/**
 * A connection that sends ready-made requests, one at a time, with as little work as there can be: what is measured over it is
 * the server. Where the server closes it after each response, it connects anew for each request.
 */
export class LoadConnection {
  readonly #port: number;
  readonly #host: string;
  #socket: Socket | undefined;
  #received: Buffer | undefined;
  #settle: { resolve(response: HttpResponse): void; reject(error: Error): void } | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  async send(request: Uint8Array): Promise<HttpResponse> {
    const socket = this.#socket ?? (await this.#connect());
    const answered = new Promise<HttpResponse>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    socket.write(request);
    return await answered;
  }

  end(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #connect(): Promise<Socket> {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    await once(socket, "connect");
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#receive(socket, bytes));
    socket.on("error", (error) => this.#fail(socket, error));
    socket.on("close", () => this.#fail(socket, new Error("the connection was closed")));
    return socket;
  }

  #receive(socket: Socket, bytes: Buffer): void {
    if (socket !== this.#socket) return;
    const received = this.#received === undefined ? bytes : Buffer.concat([this.#received, bytes]);
    const response = readHttpResponse(received);
    this.#received = response === undefined ? received : undefined;
    if (response === undefined) return;
    if (response.isLast) this.end();
    this.#settle?.resolve(response);
  }

  #fail(socket: Socket, error: Error): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#settle?.reject(error);
  }
}

/** The bytes of a POST. */
export function postRequest(path: string, body: Uint8Array): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
